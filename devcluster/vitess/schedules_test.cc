#include "devcluster/vitess/test_fixture.h"

// Scheduled backups: engines create the schedules next to their cluster.
namespace slipway::sim::operators::vitess {
namespace {

class VitessSchedulesTest : public VitessTest {
 protected:
  void CreateSchedule(const std::string& name, const std::string& more) {
    CreateText(
        R"({"apiVersion":"planetscale.com/v2","kind":"VitessBackupSchedule","metadata":{"name":")" +
        name +
        R"("},"spec":{"cluster":"db","name":"x","resources":{},"successfulJobsHistoryLimit":1,
        "strategies":[{"name":"all","scope":"Keyspace","keyspace":"app"}])" +
        more + "}}");
  }

  Json Schedule(const std::string& name) {
    return Object({kGroup, "VitessBackupSchedule", "acme", name});
  }

  std::string Next(const std::string& name) {
    return Schedule(name).At("/status/nextScheduledTimes/all-app-x-x").AsString();
  }

  // Moves the next time of the schedule to `at`, so that the job is due.
  void MakeDue(const std::string& name, const std::string& at) {
    Json patch = Json::MakeObject();
    patch.SetAt("/status/nextScheduledTimes", Json::Obj({{"all-app-x-x", at}}));
    ASSERT_TRUE(fake.Patch(RefOf(Schedule(name)), kube::PatchType::kMerge, patch, "status"));
  }

  int64_t Complete() { return Shard().At("/status/backupLocations/0/completeBackups").AsInt(); }

  void RunWithBackup(int tablets) {
    CreateBackupSecret();
    RunCluster(tablets, 1, kBackup);
    ASSERT_TRUE(Eventually([&] { return Complete() == 1; }));
  }

  std::string Ago(int64_t seconds) { return FormatSeconds(clock.NowMs() - seconds * 1000); }
};

TEST_F(VitessSchedulesTest, SayWhenTheyAreNext) {
  RunWithBackup(1);
  CreateSchedule("db-full", R"(,"schedule":"17 3 * * *")");
  CreateSchedule("db-incremental", R"(,"frequency":"1h","backupMethod":"vtctldclient")");
  ASSERT_TRUE(
      Eventually([&] { return !Next("db-full").empty() && !Next("db-incremental").empty(); }));
  EXPECT_EQ(Next("db-full").substr(10), "T03:17:00Z");
  EXPECT_FALSE(Schedule("db-full")["status"].Has("generatedSchedules"));
  const std::string cron =
      Schedule("db-incremental").At("/status/generatedSchedules/all-app-x-x").AsString();
  EXPECT_EQ(cron.substr(cron.find(' ')), " * * * *");
}

TEST_F(VitessSchedulesTest, WaitForTheirCluster) {
  CreateSchedule("db-full", R"(,"schedule":"17 3 * * *")");
  RunWithBackup(1);
  ASSERT_TRUE(Eventually([&] { return !Next("db-full").empty(); }));
}

TEST_F(VitessSchedulesTest, ADueOneWritesABackupWithAVolumeOfItsOwn) {
  RunWithBackup(1);
  CreateSchedule("db-full", R"(,"schedule":"17 3 * * *")");
  ASSERT_TRUE(Eventually([&] { return !Next("db-full").empty(); }));
  const std::string due = Ago(30);
  MakeDue("db-full", due);
  ASSERT_TRUE(Eventually([&] { return Complete() == 2; }));
  EXPECT_EQ(Schedule("db-full").At("/status/lastScheduledTimes/all-app-x-x").AsString(), due);
  EXPECT_EQ(Next("db-full").substr(10), "T03:17:00Z");
  const std::vector<Json> jobs = All("Job");
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_TRUE(JobComplete(jobs[0]));
  EXPECT_EQ(AnnotationOf(jobs[0], "planetscale.com/backup-scheduled-at"), due);
  EXPECT_TRUE(Get("PersistentVolumeClaim", NameOf(jobs[0])).is_object());
}

TEST_F(VitessSchedulesTest, OneThatIsBeingWrittenIsIncomplete) {
  RunWithBackup(1);
  CreateSchedule("db-full", R"(,"schedule":"17 3 * * *")");
  ASSERT_TRUE(Eventually([&] { return !Next("db-full").empty(); }));
  SetFaultOf(ref, "backup-hangs");
  MakeDue("db-full", Ago(30));
  const auto incomplete = [&] {
    return Shard().At("/status/backupLocations/0/incompleteBackups").AsInt(-1);
  };
  ASSERT_TRUE(Eventually([&] { return incomplete() == 1; }));
  EXPECT_EQ(Complete(), 1);
  SetFaultOf(ref, "");
  ASSERT_TRUE(Eventually([&] { return incomplete() == 0 && Complete() == 2; }));
  EXPECT_EQ(All("VitessBackup").size(), 2U);
}

TEST_F(VitessSchedulesTest, OldRunsGoWithTheirVolumes) {
  RunWithBackup(1);
  CreateSchedule("db-full", R"(,"schedule":"17 3 * * *")");
  for (const int64_t ago : {90, 30}) {
    ASSERT_TRUE(Eventually([&] { return !Next("db-full").empty(); }));
    MakeDue("db-full", Ago(ago));
    ASSERT_TRUE(Eventually([&] { return Complete() == (ago == 90 ? 2 : 3); }));
  }
  ASSERT_TRUE(Eventually([&] { return All("Job").size() == 1; }));
  int64_t claims = 0;
  for (const Json& claim : All("PersistentVolumeClaim"))
    if (LabelOf(claim, "planetscale.com/backup-schedule") == "db-full") ++claims;
  EXPECT_EQ(claims, 1);
}

TEST_F(VitessSchedulesTest, ThroughVtctldAReplicaIsRead) {
  RunWithBackup(3);
  CreateSchedule("db-inc", R"(,"schedule":"17 3 * * *","backupMethod":"vtctldclient")");
  ASSERT_TRUE(Eventually([&] { return !Next("db-inc").empty(); }));
  MakeDue("db-inc", Ago(30));
  ASSERT_TRUE(Eventually([&] { return Complete() == 2; }));
  bool replica = false;
  for (const Json& backup : All("VitessBackup"))
    replica |= backup.At("/status/storageName").AsString().find(kSecond) != std::string::npos;
  EXPECT_TRUE(replica);
}

TEST_F(VitessSchedulesTest, AJobOutOfTimeGoesWithItsVolume) {
  RunWithBackup(1);
  CreateSchedule("db-full", R"(,"schedule":"17 3 * * *","jobTimeoutMinute":1)");
  ASSERT_TRUE(Eventually([&] { return !Next("db-full").empty(); }));
  SetFaultOf(ref, "unschedulable");
  MakeDue("db-full", Ago(120));
  ASSERT_TRUE(Eventually([&] {
    return Schedule("db-full")["status"].Has("lastScheduledTimes") && All("Job").empty();
  }));
  EXPECT_EQ(Complete(), 1);
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
