#include <filesystem>
#include <sys/stat.h>

#include "devcluster/operators/process.h"
#include "devcluster/vitess/mysql_runtime.h"
#include "devcluster/vitess/test_fixture.h"

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
      op->OwnerGone(UidOf(change.object));
  }

  // Asks as a tenant does, through the port in vtgate's service. Returns "" when that does not
  // work.
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

// The directory of a store is a volume. The copy's tablet begins with a backup of the other
// cluster, which its flags name and its volumes hold.
TEST_F(VitessServersTest, ACopyBeginsWithTheBackupOfAnother) {
  const auto backup = [&](const std::string& folder) {
    return R"(,"backup":{"engine":"xtrabackup","locations":[{"volume":{"hostPath":{"path":")" +
           options.data_dir + R"(/store"}},"volumeSubPath":")" + folder + R"("}]})";
  };
  RunCluster(1, 1, backup("one"));
  ASSERT_TRUE(Eventually(
      [&] { return Ask("CREATE TABLE t (i INT); INSERT INTO t VALUES (7)") == "done"; }));
  CreateText(
      R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"now","labels":{"planetscale.com/cluster":"db"},
        "ownerReferences":[{"apiVersion":"planetscale.com/v2","kind":"VitessCluster","name":"db","uid":")" +
      UidOf(Object(ref)) +
      R"("}]},"spec":{"template":{"metadata":{"labels":{"planetscale.com/cluster":"db"}},"spec":{"containers":[
        {"name":"c","args":["BackupShard","--allow-primary","app/-"]}]}}}})");
  ASSERT_TRUE(Eventually([&] { return JobComplete(Object({"batch/v1", "Job", ref.ns, "now"})); }));
  ASSERT_TRUE(Eventually([&] { return All("VitessBackup").size() == 2; }));
  EXPECT_EQ(Ask("INSERT INTO t VALUES (8)"), "done");
  std::string newest;
  for (const Json& one : All("VitessBackup"))
    newest = std::max(newest, one.At("/status/storageName").AsString());

  ASSERT_TRUE(fake.Delete(ref, {}));
  ASSERT_TRUE(Eventually([&] { return Directories() == 0; }));
  // The same name and folder find the newest backup, a folder of its own does not.
  CreateCluster(1, 1, backup("one"));
  ASSERT_TRUE(Eventually([&] { return Healthy(1) && Ask("SELECT i FROM t") == "7"; }));
  ASSERT_TRUE(fake.Delete(ref, {}));
  ASSERT_TRUE(Eventually([&] { return Directories() == 0; }));
  CreateCluster(1, 1, backup("two"));
  ASSERT_TRUE(Eventually([&] { return Healthy(1) && Ask("SHOW TABLES") == "done"; }));
  ASSERT_TRUE(fake.Delete(ref, {}));
  ASSERT_TRUE(Eventually([&] { return Directories() == 0; }));

  CreateText(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"db-new"},"stringData":
    {"users.json":"{\"app\":[{\"Password\":\"other\"}]}"}})");
  CreateCluster(0, 1, backup("three"));
  Json spec = Object(ref)["spec"];
  spec.SetAt("/cells/0/gateway/authentication/static/secret/name", "db-new");
  constexpr char kPool[] = "/keyspaces/0/partitionings/0/equal/shardTemplate/tabletPools/0";
  Json pool = spec.At(kPool);
  pool.Set("replicas", 1)
      .Set("extraVolumes",
           Json::Arr(
               {Json::Obj({{"name", "source"},
                           {"hostPath", Json::Obj({{"path", options.data_dir + "/store/one"}})}})}))
      .Set("extraVolumeMounts",
           Json::Arr({Json::Obj({{"name", "source"}, {"mountPath", "/vt/source"}})}));
  pool.SetAt("/vttablet/extraFlags", Json::Obj({{"file_backup_storage_root", "/vt/source/db"},
                                                {"restore-from-backup-ts", newest.substr(0, 17)}}));
  spec.SetAt(kPool, std::move(pool));
  ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, Json::Obj({{"spec", std::move(spec)}}), ""));
  ASSERT_TRUE(Eventually([&] { return Healthy(1) && Ask("SELECT i FROM t", "other") == "7"; }));
  EXPECT_EQ(Ask("SELECT 1"), "");
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
