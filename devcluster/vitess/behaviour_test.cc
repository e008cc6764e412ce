#include <set>
#include <thread>

#include "devcluster/vitess/test_fixture.h"

namespace slipway::sim::operators::vitess {
namespace {

class VitessBehaviourTest : public VitessTest {};

TEST_F(VitessBehaviourTest, MakesAClusterOfOneTablet) {
  RunCluster(1);
  EXPECT_EQ(All("Pod").size(), 7U);
  EXPECT_EQ(
      Story(kFirst),
      (std::vector<std::string>{
          "False/False/False/False/ master Unknown", "False/Unknown/Unknown/False/ master Unknown",
          "False/Unknown/Unknown/True/ master Unknown", "True/Unknown/Unknown/True/ master Unknown",
          "True/Unknown/Unknown/True/replica master False",
          "True/Unknown/Unknown/True/primary master True",
          "True/True/False/True/primary master True", "True/True/True/True/primary master True"}));
  EXPECT_EQ(EventMessage("InitShardPrimary"), "initialized shard primary " + std::string(kFirst));
  EXPECT_FALSE(Shard()["status"].Has("backupLocations"));
}

TEST_F(VitessBehaviourTest, GivesExtraLabelsToPodsOnly) {
  RunCluster(1);
  for (const Json& object : fake.Objects()) {
    const std::string& kind = object["kind"].AsString();
    const std::string& component = LabelOf(object, "planetscale.com/component");
    // A ReplicaSet has the labels of its pods; the dashboard got none.
    if (kind == "ReplicaSet" || component == "vtctld") continue;
    EXPECT_EQ(LabelOf(object, "slipway.dev/instance"), kind == "Pod" ? "i" : "")
        << kind << NameOf(object);
  }
}

TEST_F(VitessBehaviourTest, IsQuietWhenNothingChanges) {
  RunCluster(3);
  const size_t before = SettledChanges();
  for (int i = 0; i < 20; ++i) op->ClusterChanged("acme", "db");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(fake.Changes().size(), before);
}

TEST_F(VitessBehaviourTest, ReadsTheFirstBackupIntoEveryTablet) {
  CreateBackupSecret();
  RunCluster(3, 1, kBackup);
  ASSERT_TRUE(Eventually([&] {
    return Shard().At("/status/backupLocations/0/completeBackups").AsInt() == 1 &&
           Count("vtbackup") == 0;
  }));
  const std::vector<std::string> story = Story(kSecond);
  EXPECT_EQ(
      std::count(story.begin(), story.end(), "True/Unknown/Unknown/True/restore master False"), 1);
  bool restored = false;
  for (const Json& status : Statuses("VitessShard")) {
    restored |= status["hasInitialBackup"].AsString() == "True";
    EXPECT_TRUE(restored || Brief(status, kFirst).find("replica") == std::string::npos);
  }
  ASSERT_EQ(All("VitessBackup").size(), 1U);
  EXPECT_TRUE(All("VitessBackup")[0].At("/status/complete").AsBool());
  EXPECT_EQ(All("VitessBackupStorage")[0].At("/status/totalBackupCount").AsInt(), 1);
  EXPECT_EQ(Count("vbs-subcontroller"), 1);
}

TEST_F(VitessBehaviourTest, ServesSeveralShards) {
  RunCluster(2, 4);
  EXPECT_EQ(All("VitessShard").size(), 4U);
  EXPECT_EQ(Status().At("/keyspaces/app/readyShards").AsInt(), 4);
  EXPECT_EQ(All("VitessKeyspace")[0].At("/status/partitionings/0/shardNames"),
            Json::Arr({"-40", "40-80", "80-c0", "c0-"}));
}

TEST_F(VitessBehaviourTest, PodsWaitForTheirSecrets) {
  CreateCluster(1);
  StartOperator();
  ASSERT_TRUE(Eventually([&] {
    return PodOf(kFirst).At("/status/containerStatuses/0/state/waiting/reason").AsString() ==
               "ContainerCreating" &&
           Status().At("/vitessDashboard/available").AsString() == "True";
  }));
  std::set<std::string> messages;
  for (const Json& event : All("Event"))
    if (event["reason"].AsString() == "FailedMount") messages.insert(event["message"].AsString());
  EXPECT_EQ(
      messages,
      (std::set<std::string>{
          R"(MountVolume.SetUp failed for volume "init-script" : secret "db-init" not found)",
          R"(MountVolume.SetUp failed for volume "static-auth" : secret "db-users" not found)"}));
  EXPECT_EQ(Status().At("/cells/zone1/gatewayAvailable").AsString(), "False");
  CreateSecrets();
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
}

TEST_F(VitessBehaviourTest, SaysThatAPriorityClassIsMissing) {
  RunCluster(1);
  const kube::ObjectRef priority{"scheduling.k8s.io/v1", "PriorityClass", "", "vitess"};
  const Json before = Object(priority);
  ASSERT_TRUE(fake.Delete(priority, {}));
  ASSERT_TRUE(fake.Delete(RefOf(PodOf(kFirst)), {}));
  ASSERT_TRUE(Eventually([&] { return !EventMessage("CreateFailed").empty(); }));
  EXPECT_NE(EventMessage("CreateFailed").find("no PriorityClass with name vitess was found"),
            std::string::npos);
  ASSERT_TRUE(Eventually(
      [&] { return Brief(Shard()["status"], kFirst) == "False/False/False/True/primary"; }));
  ASSERT_TRUE(fake.Create(before));
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
}

TEST_F(VitessBehaviourTest, SaysWhatAQuotaRefuses) {
  CreateSecrets();
  CreateCluster(1);
  fake.Refuse("Pod", "pods is forbidden: exceeded quota: small");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return !EventMessage("CreateFailed").empty(); }));
  fake.Refuse("", "");
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
}

TEST_F(VitessBehaviourTest, AnotherTabletTakesOverFromALostPrimary) {
  RunCluster(3);
  ASSERT_EQ(Master(), kFirst);
  const std::string before = UidOfPod(kFirst);
  const size_t from = fake.Changes().size();
  ASSERT_TRUE(fake.Delete(RefOf(PodOf(kFirst)), {}));
  ASSERT_TRUE(Eventually([&] { return Master() == kSecond && Healthy(3); }));
  EXPECT_NE(UidOfPod(kFirst), before);
  EXPECT_EQ(Story(kFirst, from),
            (std::vector<std::string>{"False/False/False/True/primary master True",
                                      "False/Unknown/Unknown/True/primary master True",
                                      "False/Unknown/Unknown/True/replica master True",
                                      "True/Unknown/Unknown/True/replica master True",
                                      "True/True/False/True/replica master True",
                                      "True/True/True/True/replica master True"}));
  bool seen = false;
  for (const Json& status : Statuses("VitessCluster", from)) {
    const Json& counts = status.At("/keyspaces/app");
    seen |= counts["readyTablets"].AsInt() == 2 && !counts.Has("readyShards") &&
            counts["updatedShards"].AsInt() == 1;
  }
  EXPECT_TRUE(seen);
}

TEST_F(VitessBehaviourTest, ALonePrimaryComesBackAsItself) {
  RunCluster(1);
  const std::string before = UidOfPod(kFirst);
  const size_t from = fake.Changes().size();
  ASSERT_TRUE(fake.Delete(RefOf(PodOf(kFirst)), {}));
  ASSERT_TRUE(Eventually([&] { return UidOfPod(kFirst) != before && Healthy(1); }));
  for (const Json& status : Statuses("VitessShard", from)) {
    EXPECT_EQ(status["hasMaster"].AsString(), "True");
    EXPECT_EQ(status["masterAlias"].AsString(), kFirst);
  }
}

TEST_F(VitessBehaviourTest, DeletionLeavesOnlyWhatItDoesNotOwn) {
  CreateBackupSecret();
  RunCluster(3, 1, kBackup);
  ASSERT_TRUE(fake.Delete(ref, {}));
  std::map<std::string, int> left;
  for (const Json& object : fake.Objects()) ++left[object["kind"].AsString()];
  left.erase("Event");
  EXPECT_EQ(left, (std::map<std::string, int>{{"PriorityClass", 2}, {"Secret", 3}}));
}

TEST_F(VitessBehaviourTest, WithoutEtcdTheTopologyIsUnknownAndComesBack) {
  RunCluster(3);
  ASSERT_TRUE(fake.Delete(RefOf(PodOf(kFirst)), {}));
  ASSERT_TRUE(Eventually([&] { return Master() == kSecond && Healthy(3); }));
  SetFaultOf(ref, "etcd-down");
  ASSERT_TRUE(Eventually([&] {
    return Status().At("/globalLockserver/etcd/available").AsString() == "False" &&
           Shard().At("/status/hasMaster").AsString() == "Unknown" &&
           ConditionOf(All("VitessKeyspace")[0], "Ready")["reason"].AsString() ==
               "NoServingPartitioning";
  }));
  EXPECT_EQ(Master(), "");
  EXPECT_EQ(Brief(Shard()["status"], kFirst), "True/True/True/True/");
  SetFaultOf(ref, "");
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
  EXPECT_EQ(Master(), kSecond);
}

TEST_F(VitessBehaviourTest, ABadBucketKeepsTheTabletsRestoring) {
  CreateBackupSecret();
  CreateSecrets();
  CreateCluster(3, 1, kBackup);
  SetFaultOf(ref, "bad-bucket");
  StartOperator();
  ASSERT_TRUE(Eventually([&] {
    for (const Json& pod : All("Pod"))
      if (LabelOf(pod, "planetscale.com/component") == "vtbackup" &&
          pod.At("/status/containerStatuses/0/restartCount").AsInt() > 0)
        return Brief(Shard()["status"], kFirst) == "True/Unknown/Unknown/True/restore";
    return false;
  }));
  EXPECT_EQ(Shard().At("/status/hasInitialBackup").AsString(), "Unknown");
  EXPECT_EQ(Shard().At("/status/hasMaster").AsString(), "False");
  SetFaultOf(ref, "");
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
}

TEST_F(VitessBehaviourTest, SurvivesItsOwnRestartInTheMiddle) {
  CreateSecrets();
  CreateCluster(3);
  StartOperator();
  for (const char* state : {"False", "True"}) {
    ASSERT_TRUE(Eventually(
        [&] { return Status().At("/globalLockserver/etcd/available").AsString() == state; }));
    StopOperator();
    StartOperator();
  }
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
}

TEST_F(VitessBehaviourTest, SurvivesWritesThatFail) {
  CreateSecrets();
  CreateCluster(3);
  StartOperator();
  for (const int64_t n : {0, 5, 12, 20}) {
    fake.FailOnce(n);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
}

class VitessFaultTest : public VitessTest, public testing::WithParamInterface<const char*> {};

TEST_P(VitessFaultTest, IsNotHealthyUntilTheFaultIsGone) {
  const std::string fault = GetParam();
  CreateSecrets();
  CreateCluster(3);
  SetFaultOf(ref, fault);
  StartOperator();
  ASSERT_TRUE(Eventually([&] {
    const Json pod = PodOf(kFirst);
    if (fault == "unschedulable")
      return ConditionOf(pod, "PodScheduled")["reason"].AsString() == "Unschedulable";
    if (fault == "image-pull")
      return pod.At("/status/containerStatuses/0/state/waiting/reason").AsString() ==
             "ImagePullBackOff";
    if (fault == "no-primary") return Shard().At("/status/hasMaster").AsString() == "False";
    return PodRunning(pod) && !PodReady(pod);
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(Healthy(3));
  SetFaultOf(ref, "");
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
}

INSTANTIATE_TEST_SUITE_P(Faults, VitessFaultTest,
                         testing::Values("unschedulable", "image-pull", "never-ready", "no-primary",
                                         "etcd-down"),
                         [](const auto& fault) {
                           std::string name = fault.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace slipway::sim::operators::vitess
