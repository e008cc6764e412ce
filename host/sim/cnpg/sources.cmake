set(SLIPWAY_SIM_CNPG_SOURCES
  cnpg/backups.cc cnpg/certificates.cc cnpg/cluster_spec.cc cnpg/cnpg.cc cnpg/ensure_objects.cc
  cnpg/hibernation.cc cnpg/instances.cc cnpg/machinery.cc cnpg/objects.cc cnpg/operator.cc cnpg/operator_pass.cc
  cnpg/pass.cc cnpg/pod_objects.cc cnpg/postgres_files.cc cnpg/postgres_runtime.cc
  cnpg/postgres_steps.cc cnpg/roles.cc)
# Third-party libraries these need.
set(SLIPWAY_SIM_CNPG_PRIVATE OpenSSL::Crypto PostgreSQL::PostgreSQL)
set(SLIPWAY_SIM_CNPG_TESTS cnpg/behaviour_test.cc cnpg/dev_cluster_test.cc cnpg/postgres_test.cc cnpg/timeline_test.cc
  cnpg/units_test.cc)
