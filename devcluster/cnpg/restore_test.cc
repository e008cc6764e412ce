#include "devcluster/cnpg/archive_fixture.h"
#include "devcluster/operators/killed_owner_fixture.h"

// Recovery from a base backup and the archive, with real servers.
namespace slipway::sim::operators::cnpg {
namespace {

constexpr char kUnrecoverable[] = "Cluster is unrecoverable and needs manual intervention";

class RestoreTest : public ArchiveTest {
 protected:
  std::string Now() {
    return Superuser(
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
  }

  static std::string Field(const std::string& name, const std::string& value) {
    return "\"" + name + "\":\"" + value + "\"";
  }

  // The messages of the failed pods of a recovery.
  std::vector<std::string> Failures(const std::string& cluster) {
    std::vector<std::string> out;
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Pod" &&
          LabelOf(object, "job-name") == cluster + "-1-full-recovery" &&
          object.At("/status/phase").AsString() == "Failed")
        out.push_back(object.At("/status/containerStatuses/0/state/terminated/message").AsString());
    return out;
  }

  void ExpectUnrecoverable(const std::string& cluster, const std::string& why) {
    ASSERT_TRUE(Eventually([&] { return StatusOf(cluster)["phase"].AsString() == kUnrecoverable; }))
        << StatusOf(cluster).Dump();
    EXPECT_EQ(StatusOf(cluster)["phaseReason"].AsString(),
              "Instance creation failed for the following jobs: " + cluster +
                  "-1-full-recovery. Check the job logs to investigate the cause of the failure.");
    const auto failures = Failures(cluster);
    EXPECT_EQ(failures.size(), 4U);
    for (const std::string& failure : failures) EXPECT_EQ(failure, why);
  }
};

// All recoveries run at once: they do not disturb each other.
TEST_F(RestoreTest, EveryKindOfTargetEndsAtItsRow) {
  CreateOrders();
  AddRow(1);
  const std::string first = Backup("first")["backupId"].AsString();
  ASSERT_FALSE(first.empty());
  AddRow(2);
  const std::string time = Now();
  const std::string xid = Superuser(
      "WITH added AS (INSERT INTO t VALUES (3) RETURNING x) SELECT txid_current() FROM added");
  const std::string lsn = Superuser("SELECT pg_current_wal_insert_lsn()");
  ASSERT_FALSE(Superuser("SELECT pg_create_restore_point('before-four')").empty()) << last_error;
  AddRow(4);
  ASSERT_EQ(Backup("second")["phase"].AsString(), "completed");
  AddRow(5);
  ArchiveEverything();

  const std::string id = Field("backupID", first) + ",";
  const std::pair<const char*, std::string> wanted[] = {
      {"time", Field("targetTime", time)},
      {"xid", id + Field("targetXID", xid)},
      {"exclusive", id + Field("targetXID", xid) + R"(,"exclusive":true)"},
      {"name", id + Field("targetName", "before-four")},
      {"lsn", Field("targetLSN", lsn)},
      {"immediate", id + R"("targetImmediate":true)"},
      {"latest", ""}};
  for (const auto& [name, target] : wanted) CreateNamed(name, Recovery("orders-1", target));
  const std::pair<const char*, const char*> rows[] = {
      {"time", "1,2"},  {"xid", "1,2,3"},   {"exclusive", "1,2"},   {"name", "1,2,3"},
      {"lsn", "1,2,3"}, {"immediate", "1"}, {"latest", "1,2,3,4,5"}};
  for (const auto& [name, expected] : rows) {
    EXPECT_TRUE(Eventually([&, one = name] { return HealthyNamed(one); }))
        << name << " " << StatusOf(name).Dump();
    EXPECT_EQ(Rows(name), expected) << name << " " << last_error;
    EXPECT_EQ(StatusOf(name)["timelineID"].AsInt(), 2) << name;
  }
  EXPECT_EQ(Rows("orders"), "1,2,3,4,5");
}

TEST_F(RestoreTest, ATargetBeyondTheArchiveFailsTheJob) {
  CreateOrders();
  ASSERT_EQ(Backup("first")["phase"].AsString(), "completed");
  AddRow(1);
  ArchiveEverything();
  CreateNamed("late", Recovery("orders-1", Field("targetTime", "2099-01-01T00:00:00Z")));
  CreateNamed("early", Recovery("orders-1", Field("targetTime", "2020-01-01 00:00:00")));
  CreateNamed("stranger", Recovery("nobody", ""));
  CreateNamed("unknown", Recovery("orders-1", Field("backupID", "20200101T000000") +
                                                  R"(,"targetImmediate":true)"));
  ExpectUnrecoverable("late", "recovery ended before configured recovery target was reached");
  ExpectUnrecoverable("early", "rpc error: code = Unknown desc = no target backup found");
  ExpectUnrecoverable("stranger", "rpc error: code = Unknown desc = no target backup found");
  ExpectUnrecoverable("unknown",
                      "rpc error: code = Unknown desc = no backup found with ID 20200101T000000");
}

TEST_F(RestoreTest, ACopyOfADeletedSourceHasReplicasAndAnArchiveOfItsOwn) {
  CreateOrders();
  ASSERT_EQ(Backup("first")["phase"].AsString(), "completed");
  AddRow(1);
  auto secret = fake.Get({"v1", "Secret", "acme", "orders-app"});
  ASSERT_TRUE(secret);
  ASSERT_TRUE(fake.Delete(ref, {}));
  ASSERT_TRUE(Eventually([&] { return Servers() == 0; }));
  CreateNamed("copy", Recovery("orders-1", "") + Plugin("copy-1"), 2);
  ASSERT_TRUE(Eventually([&] { return HealthyNamed("copy", 2); })) << StatusOf("copy").Dump();
  EXPECT_EQ(Rows("copy"), "1") << last_error;
  auto fresh = fake.Get({"v1", "Secret", "acme", "copy-app"});
  ASSERT_TRUE(fresh);
  EXPECT_NE((*fresh)["data"]["password"], (*secret)["data"]["password"]);
  ASSERT_TRUE(Eventually([&] { return Port("copy-ro") != 0; }));
  EXPECT_EQ(Ask(Port("copy-ro"), "SELECT x FROM t", "prefer", "copy"), "1") << last_error;
  EXPECT_TRUE(Eventually([&] { return Archiving("copy") == "True"; })) << Archiving("copy");
  EXPECT_TRUE(InArchive("copy-1", "00000002.history"));
  EXPECT_FALSE(InArchive("orders-1", "00000002.history"));
}

TEST_F(RestoreTest, ARecoveryMakesTheOwnerAndDatabaseThatAreMissing) {
  CreateOrders();
  AddRow(1);
  ASSERT_EQ(Backup("first")["phase"].AsString(), "completed");
  ArchiveEverything();
  std::string recovery = Recovery("orders-1", "");
  recovery.replace(recovery.find(R"("source")"), 0, R"("database":"other","owner":"somebody",)");
  CreateNamed("copy", recovery);
  ASSERT_TRUE(Eventually([&] { return HealthyNamed("copy"); })) << StatusOf("copy").Dump();
  EXPECT_EQ(
      Ask(Port("copy-rw"), "SELECT current_database() || '/' || current_user", "prefer", "copy"),
      "other/somebody")
      << last_error;
  EXPECT_EQ(AskAsSuperuser(Port("copy-rw"), "SELECT x FROM t"), "1") << last_error;
}

TEST_F(RestoreTest, AMoreGenerousSourceRaisesTheSettings) {
  CreateCluster(1,
                Plugin("orders-1") + R"(,"postgresql":{"parameters":{"max_connections":"170"}})");
  ASSERT_TRUE(Eventually([&] { return HealthyNamed("orders") && Archiving() == "True"; }));
  ASSERT_EQ(Backup("first")["phase"].AsString(), "completed");
  CreateNamed("copy", Recovery("orders-1", "") +
                          R"(,"postgresql":{"parameters":{"max_connections":"40"}})");
  ASSERT_TRUE(Eventually([&] { return HealthyNamed("copy"); })) << StatusOf("copy").Dump();
  EXPECT_EQ(AskAsSuperuser(Port("copy-rw"), "SHOW max_connections"), "170") << last_error;
}

TEST_F(RestoreTest, AMissingStoreOfTheOriginIsWaitedFor) {
  CreateOrders();
  ASSERT_EQ(Backup("first")["phase"].AsString(), "completed");
  std::string recovery = Recovery("orders-1", "");
  recovery.replace(recovery.find(R"("store")"), 7, R"("later")");
  CreateNamed("copy", recovery);
  ASSERT_TRUE(Eventually([&] { return StatusOf("copy").Has("image"); }));
  SettledChanges();
  EXPECT_FALSE(StatusOf("copy").Has("phase")) << StatusOf("copy").Dump();
  CreateText(R"({"apiVersion":"barmancloud.cnpg.io/v1","kind":"ObjectStore",
    "metadata":{"name":"later"},"spec":{"configuration":{"destinationPath":"s3://bucket/acme"}}})");
  EXPECT_TRUE(Eventually([&] { return HealthyNamed("copy"); })) << StatusOf("copy").Dump();
}

// The WAL that the old primary had not archived goes into the archive before its data is rewound.
TEST_F(RestoreTest, AFailoverLeavesNoGapInTheArchive) {
  CreateOrders("orders-1", 2);
  ASSERT_EQ(Backup("first")["phase"].AsString(), "completed");
  const std::string away = directory + "/away";
  std::filesystem::rename(Store(), away);
  AddRow(1);
  const std::string wal = EndSegment();
  ASSERT_TRUE(Eventually([&] { return Archiving() != "True"; }));
  ASSERT_TRUE(Eventually([&] { return Ask(Port("orders-ro"), "SELECT x FROM t") == "1"; }));
  const int before = Port("orders-rw");
  ASSERT_EQ(kill(PidOf("orders-1"), SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] {
    return Status()["currentPrimary"].AsString() == "orders-2" && Port("orders-rw") != before &&
           Port("orders-rw") != 0;
  }));
  AddRow(2);
  EXPECT_NE(Status()["readyInstances"].AsInt(), 2);
  std::filesystem::rename(away, Store());
  ASSERT_TRUE(Eventually([&] { return HealthyNamed("orders", 2); })) << Status().Dump();
  EXPECT_TRUE(InArchive("orders-1", wal));
  ArchiveEverything();
  CreateNamed("copy", Recovery("orders-1", ""));
  ASSERT_TRUE(Eventually([&] { return HealthyNamed("copy"); })) << StatusOf("copy").Dump();
  EXPECT_EQ(Rows("copy"), "1,2") << last_error;
  EXPECT_EQ(StatusOf("copy")["timelineID"].AsInt(), 3);
}

// Runs the runtime alone and kills it with SIGKILL while something is half made.
class KilledRuntimeTest : public ArchiveTest {
 protected:
  void SetUp() override { PostgresTest::SetUp(); }

  PostgresRuntime::Plan Plan(PostgresRuntime::Source source) const {
    PostgresRuntime::Plan plan;
    plan.ns = plan.cluster = plan.instance = "x";
    plan.database = plan.owner = "app";
    plan.password = "p";
    plan.source = source;
    if (source == PostgresRuntime::Source::kNew) plan.archive = Place();
    if (source == PostgresRuntime::Source::kArchive) plan.origin = Place();
    plan.attempt = "one";
    return plan;
  }

  PostgresRuntime::Archive Place() const {
    PostgresRuntime::Archive place;
    place.destination = "file://" + directory + "/store/it's here";
    place.server = "x-1";
    return place;
  }

  std::string Server() const { return directory + "/store/it's here/x-1"; }

  std::unique_ptr<PostgresRuntime> Life() {
    auto started = PostgresRuntime::Start({directory, PostgresRuntime::FindPrograms(""), 0}, clock,
                                          log, nullptr);
    EXPECT_TRUE(started) << started.error().message;
    return started ? std::move(*started) : nullptr;
  }

  static void StartBackup(PostgresRuntime& runtime, PostgresRuntime::Archive place) {
    PostgresRuntime::BackupRequest request;
    request.key = request.name = "b";
    request.ns = "x";
    request.volume = request.primary_volume = "volume";
    request.archive = std::move(place);
    runtime.StartBackup(request);
  }

  static void Serve(PostgresRuntime& runtime, const std::string& volume,
                    const PostgresRuntime::Plan& plan) {
    runtime.Want(volume, plan);
    while (!runtime.Get(volume).running) usleep(20'000);
  }

  bool HalfABase() const {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(Server() + "/base", error))
      if (std::filesystem::exists(entry.path().string() + "/base.tar", error)) return true;
    return false;
  }

  // Makes a complete base.
  void MakeBase() {
    auto runtime = Life();
    ASSERT_TRUE(runtime);
    Serve(*runtime, "volume", Plan(PostgresRuntime::Source::kNew));
    StartBackup(*runtime, Place());
    ASSERT_TRUE(Eventually([&] {
      return runtime->GetBackup("b").phase == PostgresRuntime::BackupState::Phase::kDone;
    })) << runtime->GetBackup("b").failure
        << runtime->GetBackup("b").detail;
  }
};

TEST_F(KilledRuntimeTest, AHalfMadeBaseDoesNotCountAndGoesWithTheNextBackup) {
  std::unique_ptr<PostgresRuntime> life;
  ASSERT_TRUE(KillTheOwnerAt([&] { return HalfABase(); },
                             [&] {
                               life = Life();
                               Serve(*life, "volume", Plan(PostgresRuntime::Source::kNew));
                               StartBackup(*life, Place());
                             }));
  EXPECT_TRUE(ListBases(Server()).empty());
  MakeBase();
  EXPECT_EQ(ListBases(Server()).size(), 1U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(Server() + "/base"), {}), 1);
}

TEST_F(KilledRuntimeTest, ARecoveryThatWasCutShortBeginsAgain) {
  MakeBase();
  const std::string copy = directory + "/volumes/copy";
  for (const char* file : {"/pgdata/PG_VERSION", "/pgdata/postmaster.pid", "/role"}) {
    std::unique_ptr<PostgresRuntime> life;
    ASSERT_TRUE(KillTheOwnerAt([&] { return std::filesystem::exists(copy + file); },
                               [&] {
                                 life = Life();
                                 life->Want("copy", Plan(PostgresRuntime::Source::kArchive));
                               }))
        << file;
    auto runtime = Life();
    ASSERT_TRUE(runtime);
    runtime->Want("copy", Plan(PostgresRuntime::Source::kArchive));
    EXPECT_TRUE(Eventually([&] {
      const auto state = runtime->Get("copy");
      EXPECT_EQ(state.attempt_failure, "") << file;
      return state.running && state.primary;
    })) << file;
    EXPECT_EQ(AskAsSuperuser(runtime->Get("copy").port, "SELECT pg_is_in_recovery()"), "f")
        << last_error;
    runtime.reset();
    std::filesystem::remove_all(copy);
  }
}

}  // namespace
}  // namespace slipway::sim::operators::cnpg
