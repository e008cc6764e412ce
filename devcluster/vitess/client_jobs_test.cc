#include "devcluster/vitess/test_fixture.h"

// Jobs with vtctldclient, as an engine makes them beside its cluster.
namespace slipway::sim::operators::vitess {
namespace {

class VitessClientJobsTest : public VitessTest {
 protected:
  void RunWithBackup(int tablets) {
    CreateBackupSecret();
    RunCluster(tablets, 1, kBackup);
    ASSERT_TRUE(Eventually([&] { return Complete() == 1; }));
  }

  // `arguments`: those of one container each, the last one's container is no init container.
  void CreateJob(const std::string& name, const std::vector<std::vector<std::string>>& arguments) {
    Json containers = Json::MakeArray(), first = Json::MakeArray();
    for (const auto& one : arguments) {
      Json words = Json::Arr({"--server=db-vtctld-c0ffee00:15999", "--action_timeout=6h"});
      for (const std::string& word : one) words.Push(word);
      Json container = Json::Obj({{"name", "c" + std::to_string(first.size())},
                                  {"image", "vitess/lite:v24.0.3"},
                                  {"command", Json::Arr({"/vt/bin/vtctldclient"})},
                                  {"args", std::move(words)}});
      (&one == &arguments.back() ? containers : first).Push(std::move(container));
    }
    const Json labels = Json::Obj({{"planetscale.com/cluster", "db"}});
    Json body = Json::Obj({{"restartPolicy", "Never"}, {"containers", std::move(containers)}});
    if (!first.empty()) body.Set("initContainers", std::move(first));
    Json job = Json::Obj(
        {{"apiVersion", "batch/v1"},
         {"kind", "Job"},
         {"metadata",
          Json::Obj({{"name", name},
                     {"namespace", ref.ns},
                     {"labels", labels},
                     {"ownerReferences", Json::Arr({Json::Obj({{"apiVersion", kGroup},
                                                               {"kind", kKind},
                                                               {"name", ref.name},
                                                               {"uid", UidOf(Object(ref))}})})}})},
         {"spec", Json::Obj({{"backoffLimit", 0},
                             {"template", Json::Obj({{"metadata", Json::Obj({{"labels", labels}})},
                                                     {"spec", std::move(body)}})}})}});
    ASSERT_TRUE(fake.Create(job));
  }

  Json Job(const std::string& name) { return Object({"batch/v1", "Job", ref.ns, name}); }

  // The text in which the only container of the job's pod ended.
  std::string Words(const std::string& job) {
    for (const Json& pod : All("Pod"))
      if (LabelOf(pod, "job-name") == job)
        return pod.At("/status/containerStatuses/0/state/terminated/message").AsString();
    return "";
  }

  int64_t Complete() { return Shard().At("/status/backupLocations/0/completeBackups").AsInt(); }

  std::vector<std::string> Names() {
    std::vector<std::string> out;
    for (const Json& backup : All("VitessBackup"))
      out.push_back(backup.At("/status/storageName").AsString());
    return out;
  }
};

TEST_F(VitessClientJobsTest, ABackupOnDemandReadsAReplica) {
  RunWithBackup(2);
  CreateJob("db-now", {{"BackupShard", "app/-"}});
  ASSERT_TRUE(Eventually([&] { return JobComplete(Job("db-now")) && Complete() == 2; }));
  bool replica = false;
  for (const Json& backup : All("VitessBackup")) {
    if (backup.At("/status/storageName").AsString().find(kSecond) == std::string::npos) continue;
    replica = true;
    EXPECT_EQ(backup.At("/status/engine").AsString(), "xtrabackup");
    EXPECT_EQ(backup.At("/status/startTime"), Job("db-now").At("/status/startTime"));
  }
  EXPECT_TRUE(replica);
}

// Vitess writes them by an engine of its own.
TEST_F(VitessClientJobsTest, AnIncrementalBackupShowsByItsEngine) {
  RunWithBackup(2);
  CreateJob("db-inc", {{"BackupShard", "--incremental-from-pos=auto", "app/-"}});
  ASSERT_TRUE(Eventually([&] { return JobComplete(Job("db-inc")); }));
  ASSERT_TRUE(Eventually([&] {
    for (const Json& backup : All("VitessBackup"))
      if (backup.At("/status/engine").AsString() == "builtin") return true;
    return false;
  }));
}

TEST_F(VitessClientJobsTest, ThePrimaryIsReadOnlyWhereItMayBe) {
  RunWithBackup(1);
  CreateJob("db-no", {{"BackupShard", "app/-"}});
  ASSERT_TRUE(Eventually([&] { return JobFailed(Job("db-no")); }));
  EXPECT_NE(Words("db-no").find("no tablet available for backup"), std::string::npos);
  EXPECT_EQ(Complete(), 1);
  CreateJob("db-yes", {{"BackupShard", "--allow-primary", "app/-"}});
  ASSERT_TRUE(Eventually([&] { return JobComplete(Job("db-yes")) && Complete() == 2; }));
}

TEST_F(VitessClientJobsTest, ABackupThatIsRemovedIsGone) {
  RunWithBackup(1);
  ASSERT_EQ(Names().size(), 1U);
  const std::string seed = Names().front();
  CreateJob("db-first",
            {{"BackupShard", "--allow-primary", "app/-"}, {"RemoveBackup", "app/-", seed}});
  ASSERT_TRUE(Eventually([&] {
    return JobComplete(Job("db-first")) && Names().size() == 1 && Names().front() != seed;
  }));
  EXPECT_NE(Names().front().find(kFirst), std::string::npos);
}

TEST_F(VitessClientJobsTest, ABadBucketFailsTheJob) {
  RunWithBackup(1);
  SetFaultOf(ref, "bad-bucket");
  CreateJob("db-now", {{"BackupShard", "--allow-primary", "app/-"}});
  ASSERT_TRUE(Eventually([&] { return JobFailed(Job("db-now")); }));
  EXPECT_NE(Words("db-now").find("NoSuchBucket"), std::string::npos);
}

TEST_F(VitessClientJobsTest, WhatVtctldclientDoesNotKnowFails) {
  RunWithBackup(1);
  CreateJob("db-odd", {{"BackupShard", "other/-"}});
  ASSERT_TRUE(Eventually([&] { return JobFailed(Job("db-odd")); }));
  EXPECT_NE(Words("db-odd").find("BackupShard other/-"), std::string::npos);
}

// A pool's flags may send a new tablet to the backups of another cluster, and are taken away again.
TEST_F(VitessClientJobsTest, AChangeOfFlagsReplacesTheTablet) {
  RunWithBackup(1);
  const std::string before = UidOfPod(kFirst);
  Json keyspaces = Object(ref).At("/spec/keyspaces");
  keyspaces.SetAt("/0/partitionings/0/equal/shardTemplate/tabletPools/0/vttablet/extraFlags",
                  Json::Obj({{"s3_backup_storage_root", "other/db"},
                             {"restore-from-backup-ts", "2026-11-22.060102"}}));
  ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge,
                         Json::Obj({{"spec", Json::Obj({{"keyspaces", keyspaces}})}}), ""));
  ASSERT_TRUE(Eventually([&] { return UidOfPod(kFirst) != before && Healthy(1); }));
  EXPECT_EQ(PodOf(kFirst).At("/spec/containers/0/args/0").AsString(),
            "--s3_backup_storage_root=other/db");
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
