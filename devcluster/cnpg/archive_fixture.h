#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "devcluster/cnpg/base_backups.h"
#include "devcluster/cnpg/postgres_fixture.h"

namespace slipway::sim::operators::cnpg {

// Clusters that archive into the ObjectStore `store`. A directory of ours stands for it.
class ArchiveTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    StartOperator();
    CreateText(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"keys"},
      "stringData":{"id":"a","secret":"b"}})");
    CreateText(
        R"({"apiVersion":"barmancloud.cnpg.io/v1","kind":"ObjectStore","metadata":{"name":"store"},
      "spec":{"configuration":{"destinationPath":"s3://bucket/acme/","s3Credentials":
        {"accessKeyId":{"name":"keys","key":"id"},"secretAccessKey":{"name":"keys","key":"secret"}}}}})");
  }

  std::string Store() const { return directory + "/object-stores/bucket/acme"; }

  static std::string Plugin(const std::string& server) {
    return R"(,"plugins":[{"name":"barman-cloud.cloudnative-pg.io","isWALArchiver":true,
      "parameters":{"barmanObjectName":"store","serverName":")" +
           server + R"("}}])";
  }

  void CreateNamed(const std::string& name, const std::string& extra, int instances = 1) {
    CreateText(R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":")" +
               name + R"("},"spec":{"instances":)" + std::to_string(instances) +
               R"(,"storage":{"size":"1Gi"})" + extra + "}}");
  }

  static std::string Recovery(const std::string& server, const std::string& target) {
    return R"(,"bootstrap":{"recovery":{"source":"origin")" +
           (target.empty() ? "" : R"(,"recoveryTarget":{)" + target + "}") +
           R"(}},"externalClusters":[{"name":"origin","plugin":
      {"name":"barman-cloud.cloudnative-pg.io","parameters":
        {"barmanObjectName":"store","serverName":")" +
           server + R"("}}}])";
  }

  Json StatusOf(const std::string& name) {
    return Object({"postgresql.cnpg.io/v1", "Cluster", "acme", name})["status"];
  }

  bool HealthyNamed(const std::string& name, int instances = 1) {
    const Json status = StatusOf(name);
    return status["phase"].AsString() == "Cluster in healthy state" &&
           status["readyInstances"].AsInt() == instances && Port(name + "-rw") != 0;
  }

  // Returns "True", or the message of the condition when archiving does not work.
  std::string Archiving(const std::string& name = "orders") {
    const Json cluster = Object({"postgresql.cnpg.io/v1", "Cluster", "acme", name});
    const Json& condition = ConditionOf(cluster, "ContinuousArchiving");
    return condition["status"].AsString() == "True" ? "True" : condition["message"].AsString();
  }

  // Creates the cluster `orders` with a table and waits until it archives.
  void CreateOrders(const std::string& server = "orders-1", int instances = 1) {
    CreateCluster(instances, Plugin(server));
    ASSERT_TRUE(Eventually([&] { return HealthyNamed("orders", instances); }));
    ASSERT_TRUE(Eventually([&] { return Archiving() == "True"; })) << Archiving();
    ASSERT_EQ(Ask(Port("orders-rw"), "CREATE TABLE t (x int)"), "done") << last_error;
  }

  void AddRow(int x) {
    ASSERT_EQ(Ask(Port("orders-rw"), "INSERT INTO t VALUES (" + std::to_string(x) + ")"), "done")
        << last_error;
  }

  std::string Rows(const std::string& cluster) {
    return Ask(Port(cluster + "-rw"), "SELECT string_agg(x::text, ',' ORDER BY x) FROM t", "prefer",
               cluster);
  }

  std::string Superuser(const std::string& sql) { return AskAsSuperuser(Port("orders-rw"), sql); }

  bool InArchive(const std::string& server, const std::string& wal) {
    return std::filesystem::exists(Store() + "/" + server + "/" + ArchivedPath(wal));
  }

  // Ends the segment that the server writes now, and returns its name.
  std::string EndSegment() { return Superuser("SELECT pg_walfile_name(pg_switch_wal())"); }

  void ArchiveEverything(const std::string& server = "orders-1") {
    const std::string wal = EndSegment();
    ASSERT_TRUE(Eventually([&] { return InArchive(server, wal); })) << wal;
  }

  void CreateBackup(const std::string& name, const std::string& more = "") {
    CreateText(R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Backup","metadata":{"name":")" +
               name +
               R"("},"spec":{"cluster":{"name":"orders"},"method":"plugin",
          "pluginConfiguration":{"name":"barman-cloud.cloudnative-pg.io"})" +
               more + "}}");
  }

  Json BackupStatus(const std::string& name) {
    return Object({"postgresql.cnpg.io/v1", "Backup", "acme", name})["status"];
  }

  // Creates a Backup and returns its status once it has ended.
  Json Backup(const std::string& name, const std::string& more = "") {
    CreateBackup(name, more);
    Json status;
    EXPECT_TRUE(Eventually([&] {
      status = BackupStatus(name);
      const std::string& phase = status["phase"].AsString();
      return phase == "completed" || phase == "failed";
    }));
    return status;
  }

  Json WindowOf(const std::string& server) {
    return Object({"barmancloud.cnpg.io/v1", "ObjectStore", "acme", "store"})
        .At("/status/serverRecoveryWindow")[server];
  }
};

}  // namespace slipway::sim::operators::cnpg
