set(SLIPWAY_SIM_OPERATORS_SOURCES
  operators/controller.cc operators/cron.cc operators/deployments.cc operators/files.cc operators/kubelet.cc operators/mounts.cc
  operators/objects_json.cc operators/others.cc operators/ownership.cc operators/pass.cc operators/process.cc operators/server_root.cc
  operators/stateful_sets.cc operators/volumes.cc operators/watches.cc operators/work_queue.cc)
set(SLIPWAY_SIM_OPERATORS_TESTS
  operators/controller_test.cc operators/deployments_test.cc operators/kubelet_test.cc operators/stateful_sets_test.cc
  operators/process_test.cc operators/units_test.cc)
