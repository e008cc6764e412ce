set(SLIPWAY_SIM_CNPG_SOURCES
  cnpg/archive_scripts.cc cnpg/archiving.cc cnpg/backups.cc cnpg/base_backups.cc cnpg/certificates.cc cnpg/cluster_spec.cc cnpg/cnpg.cc cnpg/ensure_objects.cc
  cnpg/hibernation.cc cnpg/instances.cc cnpg/machinery.cc cnpg/object_stores.cc cnpg/objects.cc cnpg/operator.cc cnpg/operator_pass.cc
  cnpg/pass.cc cnpg/pod_objects.cc cnpg/postgres_archive.cc cnpg/postgres_backup.cc cnpg/postgres_files.cc
  cnpg/postgres_restore.cc cnpg/postgres_runtime.cc cnpg/postgres_steps.cc cnpg/retention.cc cnpg/roles.cc
  cnpg/scheduled_backups.cc)
# Third-party libraries these need.
set(SLIPWAY_SIM_CNPG_PRIVATE OpenSSL::Crypto PostgreSQL::PostgreSQL)
set(SLIPWAY_SIM_CNPG_TESTS cnpg/archive_test.cc cnpg/behaviour_test.cc cnpg/dev_cluster_test.cc cnpg/postgres_test.cc cnpg/restore_test.cc
  cnpg/retention_test.cc cnpg/timeline_test.cc
  cnpg/units_test.cc)
