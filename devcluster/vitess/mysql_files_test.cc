#include "devcluster/vitess/mysql_files.h"

#include <gtest/gtest.h>

namespace slipway::sim::operators::vitess {
namespace {

TEST(MysqlFiles, TakesNoOptionThatWouldOpenTheServer) {
  MysqlSettings settings;
  settings.data = "/a \"b";
  settings.parameters = Json::Obj({{"wait_timeout", 30},
                                   {"sql_mode", "x\ninit-file=/etc/passwd"},
                                   {"lock_wait_timeout", "1 # y"},
                                   {"innodb_print_all_deadlocks", true},
                                   {"skip_grant_tables", true},
                                   {"bind_address", "0.0.0.0"}});
  const std::string config = MysqlServerConfig(settings);
  EXPECT_NE(config.find("loose_wait_timeout=30\n"), std::string::npos);
  EXPECT_NE(config.find("loose_innodb_print_all_deadlocks=ON\n"), std::string::npos);
  EXPECT_NE(config.find("datadir=\"/a \\\"b\"\n"), std::string::npos);
  for (const char* absent : {"sql_mode", "loose_lock", "skip_grant", "0.0.0.0", "passwd"})
    EXPECT_EQ(config.find(absent), std::string::npos) << absent;
}

TEST(MysqlFiles, QuotesWhatTenantsName) {
  const std::string hash = MysqlNativeHash("x");
  auto sql = MysqlAccountsSql("a`_b", {{"it's \\", {hash}}}, {"it's \\", "old'"});
  ASSERT_TRUE(sql);
  const std::string user = R"('it''s \\'@'%')";
  const std::string how = " IDENTIFIED VIA mysql_native_password USING '" + hash + "';\n";
  EXPECT_EQ(*sql,
            "SET SESSION sql_mode='';\nCREATE DATABASE IF NOT EXISTS `a``_b`;\n"
            "CREATE USER IF NOT EXISTS " +
                user + how + "ALTER USER " + user + how +
                "GRANT ALL PRIVILEGES ON `a``\\_b`.* TO " + user +
                ";\nDROP USER IF EXISTS 'old'''@'%';\n");
  const auto reason = [](const std::string& database, const MysqlAccount& account) {
    auto refused = MysqlAccountsSql(database, {account}, {});
    return refused ? "" : refused.error().reason;
  };
  EXPECT_EQ(reason("Mysql", {"a", {hash}}), "BadDatabase");
  EXPECT_EQ(reason("a\nb", {"a", {hash}}), "BadDatabase");
  EXPECT_EQ(reason("app", {"", {hash}}), "BadUser");
  EXPECT_EQ(reason("app", {"a\n", {hash}}), "BadUser");
  EXPECT_EQ(reason("app", {"a", {"*12'"}}), "BadHash");
  EXPECT_EQ(reason("app", {"a", {}}), "NoPassword");
}

TEST(MysqlFiles, ComparesHistories) {
  EXPECT_TRUE(GtidContains("", ""));
  EXPECT_TRUE(GtidContains("0-1-5,0-2-9\n", "0-1-5\n"));
  EXPECT_TRUE(GtidContains("0-1-5,0-2-9", "0-2-7"));
  EXPECT_FALSE(GtidContains("0-1-5,0-2-9", "0-1-6"));
  EXPECT_FALSE(GtidContains("0-1-5", "0-3-1"));
  EXPECT_FALSE(GtidContains("", "0-3-1"));
  EXPECT_EQ(GtidCount("0-1-5,1-2-9"), 14U);
}

TEST(MysqlFiles, ReadsTheStatusOfAReplica) {
  const ReplicaStatus good = ParseReplicaStatus(
      "*** 1. row ***\n   Slave_IO_Running: Yes\n  Slave_SQL_Running: Yes\n"
      "Seconds_Behind_Master: 0\n  Last_IO_Errno: 0\n  Last_IO_Error: \n  Gtid_IO_Pos: 0-1-7\n");
  EXPECT_TRUE(good.replicates());
  EXPECT_FALSE(good.broken());
  EXPECT_EQ(good.io_position, "0-1-7");
  const ReplicaStatus bad = ParseReplicaStatus(
      "Slave_IO_Running: No\nSlave_SQL_Running: Yes\nSeconds_Behind_Master: NULL\n"
      "Last_IO_Errno: 1236\nLast_IO_Error: Got fatal error\n");
  EXPECT_FALSE(bad.replicates());
  EXPECT_TRUE(bad.broken());
  EXPECT_EQ(bad.message, "Got fatal error");
  EXPECT_FALSE(ParseReplicaStatus("").replicates());
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
