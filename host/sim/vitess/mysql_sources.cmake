# The servers behind the tablets.
set(SLIPWAY_SIM_MYSQL_SOURCES vitess/mysql_accounts.cc vitess/mysql_files.cc vitess/mysql_runtime.cc vitess/mysql_steps.cc)
set(SLIPWAY_SIM_MYSQL_TESTS vitess/mysql_accounts_test.cc vitess/mysql_files_test.cc vitess/mysql_test.cc)
