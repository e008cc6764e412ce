set(SLIPWAY_SIM_MONGODB_SOURCES
  mongodb/automation_config.cc mongodb/instance_spec.cc mongodb/members.cc mongodb/mongodb.cc mongodb/operator.cc
  mongodb/operator_pass.cc mongodb/pass.cc mongodb/replica_set_objects.cc mongodb/scaling.cc mongodb/secrets.cc
  mongodb/tls.cc mongodb/users.cc)
set(SLIPWAY_SIM_MONGODB_TESTS mongodb/behaviour_test.cc mongodb/dev_cluster_test.cc mongodb/timeline_test.cc
  mongodb/units_test.cc)
