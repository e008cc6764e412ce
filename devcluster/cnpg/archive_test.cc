#include <set>
#include <sys/stat.h>

#include "devcluster/cnpg/archive_fixture.h"

// Continuous archiving and base backups with real servers.
namespace slipway::sim::operators::cnpg {
namespace {

constexpr char kLost[] =
    "rpc error: code = Unknown desc = unexpected failure invoking barman-cloud-wal-archive: exit "
    "status 2";

TEST_F(ArchiveTest, SegmentsLieWhereBarmanPutsThem) {
  CreateOrders();
  const std::string wal = EndSegment();
  ASSERT_EQ(wal.size(), 24U) << last_error;
  ASSERT_TRUE(Eventually([&] { return InArchive("orders-1", wal); }));
  const std::string file = Store() + "/orders-1/wals/" + wal.substr(0, 16) + "/" + wal;
  EXPECT_EQ(std::filesystem::file_size(file), 1U << 20);
  EXPECT_EQ(Superuser("SHOW archive_mode"), "on");
  EXPECT_EQ(Superuser("SHOW archive_timeout"), "5min");
  // When PostgreSQL archives a file a second time, that is no failure.
  ASSERT_EQ(Superuser("SELECT failed_count::text FROM pg_stat_archiver"), "0");
}

TEST_F(ArchiveTest, WithoutThePluginNothingIsHeldBack) {
  CreateCluster(1);
  ASSERT_TRUE(Eventually([&] { return HealthyNamed("orders"); }));
  EXPECT_EQ(Archiving(), "True");
  const std::string wal = EndSegment();
  EXPECT_TRUE(Eventually([&] {
    return Superuser("SELECT last_archived_wal >= '" + wal + "' FROM pg_stat_archiver") == "t";
  }));
  EXPECT_FALSE(std::filesystem::exists(directory + "/object-stores/bucket"));
}

TEST_F(ArchiveTest, ArchivingStopsWithTheStoreAndGoesOnWithIt) {
  CreateOrders();
  const std::string away = directory + "/away";
  std::filesystem::rename(Store(), away);
  const std::string wal = EndSegment();
  ASSERT_TRUE(Eventually([&] { return Archiving() == kLost; })) << Archiving();
  EXPECT_EQ(Status()["phase"].AsString(), "Cluster in healthy state");
  const Json failed = Backup("lost");
  EXPECT_EQ(failed["phase"].AsString(), "failed");
  EXPECT_EQ(failed["error"].AsString(), "rpc error: code = Unknown desc = exit status 2");
  EXPECT_TRUE(WindowOf("orders-1")["lastFailedBackupTime"].is_string());
  EXPECT_FALSE(std::filesystem::exists(Store()));
  std::filesystem::rename(away, Store());
  EXPECT_TRUE(Eventually([&] { return Archiving() == "True"; })) << Archiving();
  EXPECT_TRUE(Eventually([&] { return InArchive("orders-1", wal); }));
}

TEST_F(ArchiveTest, AReadOnlyStoreFailsUntilItIsWritable) {
  CreateOrders();
  const std::string wals = Store() + "/orders-1/wals";
  std::vector<std::string> closed{wals};
  for (const auto& entry : std::filesystem::directory_iterator(wals))
    if (entry.is_directory()) closed.push_back(entry.path().string());
  for (const std::string& path : closed) chmod(path.c_str(), 0500);
  const std::string wal = EndSegment();
  EXPECT_TRUE(Eventually([&] { return Archiving() != "True"; }));
  EXPECT_FALSE(InArchive("orders-1", wal));
  for (const std::string& path : closed) chmod(path.c_str(), 0700);
  EXPECT_TRUE(Eventually([&] { return Archiving() == "True"; })) << Archiving();
  EXPECT_TRUE(Eventually([&] { return InArchive("orders-1", wal); }));
}

TEST_F(ArchiveTest, AServerNameThatHasDataIsRefusedForANewClusterOnly) {
  CreateOrders();
  CreateNamed("second", Plugin("orders-1"));
  const std::string refusal =
      "rpc error: code = Unknown desc = WAL archive check failed for server orders-1: Expected "
      "empty archive";
  ASSERT_TRUE(Eventually([&] { return Archiving("second") == refusal; })) << Archiving("second");
  ASSERT_TRUE(Eventually([&] { return HealthyNamed("second"); }));
  EXPECT_EQ(Archiving("second"), refusal);
  // The first cluster goes on archiving, even after a restart.
  StopOperator();
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Ask(Port("orders-rw"), "SELECT 1") == "1"; })) << last_error;
  ArchiveEverything();
  EXPECT_EQ(Archiving(), "True");
  EXPECT_EQ(Archiving("second"), refusal);
}

TEST_F(ArchiveTest, AMissingKeyOfTheSecretIsNamedUntilItIsThere) {
  Json patch = Json::MakeObject();
  patch.SetAt("/data/secret", Json());
  ASSERT_TRUE(fake.Patch({"v1", "Secret", "acme", "keys"}, kube::PatchType::kMerge, patch, ""));
  CreateCluster(1, Plugin("orders-1"));
  ASSERT_TRUE(Eventually([&] {
    return Archiving() == "rpc error: code = Unknown desc = missing key secret, inside secret keys";
  })) << Archiving();
  patch.SetAt("/data/secret", Base64Encode("b"));
  ASSERT_TRUE(fake.Patch({"v1", "Secret", "acme", "keys"}, kube::PatchType::kMerge, patch, ""));
  EXPECT_TRUE(Eventually([&] { return Archiving() == "True"; })) << Archiving();
}

TEST_F(ArchiveTest, ABackupSaysWhatIsInTheStore) {
  CreateOrders();
  const Json status = Backup("first");
  ASSERT_EQ(status["phase"].AsString(), "completed") << status.Dump();
  const auto bases = ListBases(Store() + "/orders-1");
  ASSERT_EQ(bases.size(), 1U);
  const BaseBackup& base = bases.front();
  EXPECT_EQ(status["backupId"].AsString(), base.id);
  EXPECT_EQ(status["backupName"].AsString(), base.name);
  EXPECT_EQ(status["beginWal"].AsString(), base.begin_wal);
  EXPECT_EQ(status["endWal"].AsString(), base.end_wal);
  EXPECT_EQ(status["endLSN"].AsString(), base.end_lsn);
  EXPECT_EQ(status["stoppedAt"].AsString(), FormatSeconds(base.end_ms));
  EXPECT_EQ(status.At("/instanceID/podName").AsString(), "orders-1");
  EXPECT_GT(ParseLsn(base.end_lsn), ParseLsn(base.begin_lsn));
  EXPECT_TRUE(InArchive("orders-1", base.begin_wal));
  EXPECT_TRUE(InArchive("orders-1", base.end_wal));
  EXPECT_TRUE(std::filesystem::exists(Store() + "/orders-1/base/" + base.id + "/data.tar"));

  const Json second = Backup("second");
  ASSERT_EQ(second["phase"].AsString(), "completed") << second.Dump();
  const Json window = WindowOf("orders-1");
  EXPECT_EQ(window["firstRecoverabilityPoint"].AsString(), FormatSeconds(base.end_ms));
  EXPECT_EQ(window["lastSuccessfulBackupTime"], second["stoppedAt"]);
  EXPECT_TRUE(ConditionTrue(*fake.Get(ref), "LastBackupSucceeded"));
}

TEST_F(ArchiveTest, BackupsOfAClusterRunOneAfterTheOther) {
  CreateOrders();
  for (const char* name : {"a", "b", "c"}) CreateBackup(name);
  ASSERT_TRUE(Eventually([&] {
    for (const char* name : {"a", "b", "c"})
      if (BackupStatus(name)["phase"].AsString() != "completed") return false;
    return true;
  }));
  std::set<std::string> running, waited;
  for (const auto& change : fake.Changes()) {
    if (change.object["kind"].AsString() != "Backup") continue;
    const std::string& phase = change.object.At("/status/phase").AsString();
    const std::string& name = NameOf(change.object);
    if (phase == "pending") waited.insert(name);
    if (phase == "started") running.insert(name);
    if (phase == "completed") running.erase(name);
    EXPECT_LE(running.size(), 1U) << name;
  }
  EXPECT_EQ(waited.count("b") + waited.count("c"), 2U);
  EXPECT_LT(BackupStatus("a")["backupId"].AsString(), BackupStatus("b")["backupId"].AsString());
  EXPECT_LT(BackupStatus("b")["backupId"].AsString(), BackupStatus("c")["backupId"].AsString());
}

TEST_F(ArchiveTest, ABackupThatARestartCutShortIsMadeAgain) {
  CreateOrders();
  CreateBackup("first");
  ASSERT_TRUE(Eventually([&] { return BackupStatus("first")["phase"].AsString() == "started"; }));
  StopOperator();
  ASSERT_EQ(BackupStatus("first")["phase"].AsString(), "started");
  StartOperator();
  op->Wake("backup/acme/first");
  ASSERT_TRUE(Eventually([&] { return BackupStatus("first")["phase"].AsString() == "completed"; }))
      << BackupStatus("first").Dump();
  const auto bases = ListBases(Store() + "/orders-1");
  ASSERT_FALSE(bases.empty());
  EXPECT_EQ(BackupStatus("first")["backupId"].AsString(), bases.back().id);
}

TEST_F(ArchiveTest, AStandbyGivesTheBackupAndAScheduleAsksForIt) {
  CreateOrders("orders-1", 2);
  AddRow(1);
  CreateText(
      R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"ScheduledBackup","metadata":{"name":"daily"},
      "spec":{"cluster":{"name":"orders"},"schedule":"0 0 1 * * *","immediate":true,
        "method":"plugin","target":"prefer-standby",
        "pluginConfiguration":{"name":"barman-cloud.cloudnative-pg.io"}}})");
  op->Wake("schedule/acme/daily");
  Json backup;
  ASSERT_TRUE(Eventually([&] {
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Backup") backup = object;
    return backup.At("/status/phase").AsString() == "completed";
  })) << backup.Dump();
  EXPECT_EQ(backup.At("/status/instanceID/podName").AsString(), "orders-2");
  EXPECT_EQ(LabelOf(backup, "cnpg.io/scheduled-backup"), "daily");
  CreateNamed("copy",
              Recovery("orders-1", R"("backupID":")" + backup.At("/status/backupId").AsString() +
                                       R"(","targetImmediate":true)"));
  ASSERT_TRUE(Eventually([&] { return HealthyNamed("copy"); })) << StatusOf("copy").Dump();
  EXPECT_EQ(Rows("copy"), "1") << last_error;
}

TEST_F(ArchiveTest, TheRetentionPolicyKeepsWhatItsWindowNeeds) {
  CreateOrders();
  for (const char* name : {"a", "b", "c"}) {
    AddRow(1);
    ArchiveEverything();
    ASSERT_EQ(Backup(name)["phase"].AsString(), "completed");
  }
  ArchiveEverything();
  const std::string server = Store() + "/orders-1";
  auto bases = ListBases(server);
  ASSERT_EQ(bases.size(), 3U);
  constexpr int64_t kDayMs = 86'400'000;
  for (const auto& [index, days] : {std::pair(0, 10), std::pair(1, 5)}) {
    BaseBackup& base = bases[static_cast<size_t>(index)];
    base.end_ms -= days * kDayMs;
    std::ofstream(server + "/base/" + base.id + "/backup.info") << BackupInfo(base);
  }
  ASSERT_TRUE(InArchive("orders-1", bases[0].begin_wal));
  Json patch = Json::MakeObject();
  patch.SetAt("/spec/retentionPolicy", "3d");
  ASSERT_TRUE(fake.Patch({"barmancloud.cnpg.io/v1", "ObjectStore", "acme", "store"},
                         kube::PatchType::kMerge, patch, ""));
  ASSERT_TRUE(Eventually([&] {
    return WindowOf("orders-1")["firstRecoverabilityPoint"].AsString() ==
           FormatSeconds(bases[1].end_ms);
  })) << WindowOf("orders-1").Dump();
  const auto left = ListBases(server);
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].id, bases[1].id);
  EXPECT_EQ(left[1].id, bases[2].id);
  EXPECT_FALSE(InArchive("orders-1", bases[0].begin_wal));
  EXPECT_TRUE(InArchive("orders-1", bases[1].begin_wal));
  EXPECT_TRUE(InArchive("orders-1", bases[2].end_wal));
  EXPECT_TRUE(Eventually([&] { return BackupStatus("a").is_null(); }));
  EXPECT_EQ(BackupStatus("b")["phase"].AsString(), "completed");
}

}  // namespace
}  // namespace slipway::sim::operators::cnpg
