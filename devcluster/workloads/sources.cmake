set(SLIPWAY_SIM_WORKLOADS_SOURCES workloads/cron_jobs.cc workloads/jobs.cc workloads/operator.cc workloads/pods.cc workloads/workloads.cc)
set(SLIPWAY_SIM_WORKLOADS_TESTS workloads/behaviour_test.cc)
