set(SLIPWAY_SIM_MONGODB_SOURCES
  mongodb/automation_config.cc mongodb/instance_spec.cc mongodb/members.cc mongodb/mongo_runtime.cc mongodb/mongo_steps.cc
  mongodb/mongo_wire.cc mongodb/mongodb.cc mongodb/operator.cc mongodb/operator_pass.cc mongodb/pass.cc
  mongodb/replica_set_objects.cc mongodb/scaling.cc mongodb/scram.cc mongodb/secrets.cc mongodb/servers.cc mongodb/tls.cc
  mongodb/users.cc)
set(SLIPWAY_SIM_MONGODB_TESTS mongodb/behaviour_test.cc mongodb/dev_cluster_test.cc mongodb/mongo_wire_test.cc mongodb/scram_test.cc
  mongodb/servers_test.cc mongodb/timeline_test.cc mongodb/units_test.cc)
