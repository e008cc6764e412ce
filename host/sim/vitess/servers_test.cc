#include <filesystem>
#include <sys/stat.h>

#include "sim/operators/process.h"
#include "sim/vitess/test_fixture.h"

// Tablets with real servers in them.
namespace slipway::sim::operators::vitess {
namespace {

class VitessServersTest : public VitessTest {
 protected:
  void SetUp() override {
    if (MysqlRuntime::FindPrograms("").empty()) GTEST_SKIP() << "no MariaDB server programs";
    char name[] = "/tmp/slipway-vitess-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    options.data_dir = name;
    chmod(name, 0755);
  }

  void TearDown() override {
    StopOperator();
    if (!options.data_dir.empty()) std::filesystem::remove_all(options.data_dir);
  }

  void OnChange(const FakeCluster::Change& change) override {
    VitessTest::OnChange(change);
    const std::lock_guard lock(operator_mutex);
    if (op && change.verb == "DELETED" &&
        change.object["kind"].AsString() == "PersistentVolumeClaim")
      op->VolumeGone(UidOf(change.object));
  }

  // As a tenant would, through the port that vtgate's service tells. "" when it does not work.
  std::string Ask(const std::string& sql, const std::string& password = "change-me") {
    const Json service = Get("Service", "db-vtgate-458fe565");
    const int64_t port = service.At("/status/loadBalancer/ingress/0/ports/0/port").AsInt();
    if (port == 0) return "";
    auto output =
        RunForOutput({{"/usr/bin/mariadb", "--no-defaults", "--protocol=TCP", "--host=127.0.0.1",
                       "--port=" + std::to_string(port), "--user=app", "--password=" + password,
                       "--batch", "--raw", "--skip-column-names", "--connect-timeout=3", "app"},
                      "",
                      Account{},
                      sql},
                     10'000, -1);
    if (!output) return "";
    return output->empty() ? "done" : output->substr(0, output->size() - 1);
  }

  size_t Directories() {
    size_t out = 0;
    std::error_code error;
    const std::string volumes = options.data_dir + "/mysql/volumes";
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(volumes, error))
      ++out;
    return out;
  }
};

TEST_F(VitessServersTest, TheTenantLogsInAtTheGateway) {
  RunCluster(1);
  ASSERT_TRUE(Eventually([&] { return Ask("SELECT 1") == "1"; }));
  EXPECT_EQ(Ask("SELECT 1", "wrong"), "");
  EXPECT_EQ(Ask("CREATE TABLE t (i INT); INSERT INTO t VALUES (7)"), "done");
  EXPECT_EQ(Ask("SELECT i FROM t"), "7");
}

TEST_F(VitessServersTest, RowsOutliveTheirPrimary) {
  RunCluster(3);
  ASSERT_TRUE(Eventually(
      [&] { return Ask("CREATE TABLE t (i INT); INSERT INTO t VALUES (7)") == "done"; }));
  ASSERT_TRUE(fake.Delete(RefOf(PodOf(kFirst)), {}));
  ASSERT_TRUE(Eventually([&] { return !Master().empty() && Master() != kFirst && Healthy(3); }));
  ASSERT_TRUE(Eventually([&] { return Ask("SELECT i FROM t") == "7"; }));
  EXPECT_EQ(Ask("INSERT INTO t VALUES (8)"), "done");
}

TEST_F(VitessServersTest, APlannedChangeLosesNothing) {
  RunCluster(2);
  ASSERT_TRUE(Eventually(
      [&] { return Ask("CREATE TABLE t (i INT); INSERT INTO t VALUES (7)") == "done"; }));
  SetPool(2, R"(,"configOverrides":"max_connections = 100\n")");
  ASSERT_TRUE(Eventually(
      [&] { return Master() != kFirst && Healthy(2) && Ask("SELECT i FROM t") == "7"; }));
}

TEST_F(VitessServersTest, ANewPasswordIsTaken) {
  RunCluster(1);
  ASSERT_TRUE(Eventually([&] { return Ask("SELECT 1") == "1"; }));
  Json patch = Json::MakeObject();
  patch.SetAt("/data",
              Json::Obj({{"users.json", Base64Encode("{\"app\":[{\"Password\":\"new\"}]}")}}));
  ASSERT_TRUE(fake.Patch({"v1", "Secret", "acme", "db-users"}, kube::PatchType::kMerge, patch, ""));
  ASSERT_TRUE(Eventually([&] { return Ask("SELECT 1", "new") == "1"; }));
  EXPECT_EQ(Ask("SELECT 1"), "");
}

TEST_F(VitessServersTest, DataGoWithTheirClaims) {
  RunCluster(2);
  EXPECT_EQ(Directories(), 2U);
  ASSERT_TRUE(fake.Delete(ref, {}));
  ASSERT_TRUE(Eventually([&] { return Directories() == 0; }));
}

TEST_F(VitessServersTest, RowsAreThereAfterARestart) {
  RunCluster(1);
  ASSERT_TRUE(Eventually(
      [&] { return Ask("CREATE TABLE t (i INT); INSERT INTO t VALUES (7)") == "done"; }));
  StopOperator();
  EXPECT_EQ(Ask("SELECT 1"), "");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Ask("SELECT i FROM t") == "7"; }));
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
