# The servers behind the tablets.
set(SLIPWAY_SIM_MYSQL_SOURCES vitess/mariadb_servers.cc vitess/bucket_files.cc vitess/mysql_accounts.cc vitess/mysql_backups.cc vitess/mysql_files.cc vitess/mysql_runtime.cc vitess/mysql_steps.cc
  vitess/programs.cc vitess/servers.cc vitess/vitess_control.cc vitess/vitess_lines.cc vitess/vitess_servers.cc)
set(SLIPWAY_SIM_MYSQL_TESTS vitess/mysql_accounts_test.cc vitess/mysql_backups_test.cc vitess/mysql_files_test.cc vitess/mysql_test.cc vitess/vitess_lines_test.cc)
