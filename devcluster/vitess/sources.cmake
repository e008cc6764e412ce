set(SLIPWAY_SIM_VITESS_SOURCES
  vitess/backups.cc vitess/child_specs.cc vitess/client_jobs.cc vitess/cluster_spec.cc vitess/keyspace_status.cc vitess/machinery.cc
  vitess/names.cc vitess/object_parts.cc vitess/objects.cc vitess/operator.cc vitess/operator_pass.cc vitess/pass.cc
  vitess/rollout.cc vitess/schedule_plan.cc vitess/schedules.cc vitess/shard_objects.cc vitess/shard_pass.cc vitess/shard_status.cc vitess/status.cc
  vitess/topology.cc vitess/vitess.cc vitess/vtorc.cc)
set(SLIPWAY_SIM_VITESS_TESTS vitess/behaviour_test.cc vitess/changes_test.cc vitess/client_jobs_test.cc vitess/dev_cluster_test.cc
  vitess/schedules_test.cc vitess/servers_test.cc vitess/timeline_test.cc vitess/units_test.cc)
