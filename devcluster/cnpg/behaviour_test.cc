#include "devcluster/cnpg/test_fixture.h"

// Faults, failover, scaling, plugins and backups, without databases.
namespace slipway::sim::operators::cnpg {
namespace {

constexpr char kPlugin[] =
    R"(,"plugins":[{"name":"barman-cloud.cloudnative-pg.io","isWALArchiver":true,"parameters":{"barmanObjectName":"store"}}])";

class BehaviourTest : public OperatorTest {
 protected:
  std::string Phase() { return Status()["phase"].AsString(); }

  void PatchSpec(const std::string& pointer, Json value) {
    Json patch = Json::MakeObject();
    patch.SetAt("/spec" + pointer, std::move(value));
    ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, patch, ""));
  }

  void CreateStore() {
    ASSERT_TRUE(
        fake.Create(*Json::Parse(R"({"apiVersion":"barmancloud.cnpg.io/v1","kind":"ObjectStore",
      "metadata":{"name":"store","namespace":"acme"},"spec":{"configuration":{"s3Credentials":{"accessKeyId":{"name":"s3","key":"a"}}}}})")));
  }

  // The phases, in the order in which the operator wrote them.
  std::vector<std::string> Phases() {
    std::vector<std::string> out;
    for (const FakeCluster::Change& change : fake.Changes()) {
      const std::string& phase = change.object["status"]["phase"].AsString();
      if (change.object["kind"].AsString() == "Cluster" && !phase.empty() &&
          (out.empty() || out.back() != phase))
        out.push_back(phase);
    }
    return out;
  }

  Json JobPodOf(const std::string& job) {
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Pod" && LabelOf(object, "job-name") == job) return object;
    return {};
  }
};

TEST_F(BehaviourTest, DeletedPrimaryIsFailedOverWithTheRecordedPhases) {
  StartOperator();
  CreateCluster(3);
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
  const size_t before = Phases().size();
  ASSERT_TRUE(fake.Delete({"v1", "Pod", "acme", "orders-1"}, {}));
  ASSERT_TRUE(Eventually(
      [&] { return Healthy(3) && Status()["currentPrimary"].AsString() == "orders-2"; }));
  const std::vector<std::string> phases = Phases();
  const std::vector<std::string> rest(phases.begin() + static_cast<long>(before), phases.end());
  EXPECT_EQ(rest,
            (std::vector<std::string>{"Failing over", "Waiting for the instances to become active",
                                      "Cluster in healthy state"}));
  EXPECT_EQ(Status()["timelineID"].AsInt(), 2);
  EXPECT_EQ(LabelOf(Pod("orders-2"), "cnpg.io/instanceRole"), "primary");
  EXPECT_EQ(LabelOf(Pod("orders-1"), "cnpg.io/instanceRole"), "replica");
}

// Each write fails once, as if the process had died right before it.
TEST_F(BehaviourTest, AnyWriteMayFailOnce) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  const int64_t writes = static_cast<int64_t>(fake.Changes().size());
  StopOperator();
  ASSERT_TRUE(fake.Delete(ref, {}));
  for (int64_t at = 0; at < writes; at += 1) {
    fake.FailOnce(at);
    CreateCluster(2);
    StartOperator();
    ASSERT_TRUE(Eventually([&] { return Healthy(2); })) << "failing write " << at;
    EXPECT_TRUE(ConditionTrue(*fake.Get(ref), "ContinuousArchiving")) << "failing write " << at;
    StopOperator();
    ASSERT_TRUE(fake.Delete(ref, {}));
  }
}

TEST_F(BehaviourTest, AnyWriteOfAFailoverMayFailOnce) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  for (int round = 0; round < 30; ++round) {
    const std::string old = Status()["currentPrimary"].AsString();
    fake.FailOnce(round - 1);
    ASSERT_TRUE(fake.Delete({"v1", "Pod", "acme", old}, {}));
    ASSERT_TRUE(Eventually([&] {
      return Healthy(2) && Status()["currentPrimary"].AsString() != old;
    })) << "round "
        << round;
  }
}

TEST_F(BehaviourTest, LostReplicaComesBackOnItsVolume) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  const std::string uid = UidOf(Pod("orders-2"));
  ASSERT_TRUE(fake.Delete({"v1", "Pod", "acme", "orders-2"}, {}));
  ASSERT_TRUE(Eventually([&] {
    return Healthy(2) && !UidOf(Pod("orders-2")).empty() && UidOf(Pod("orders-2")) != uid;
  }));
  EXPECT_EQ(Status()["currentPrimary"].AsString(), "orders-1");
}

TEST_F(BehaviourTest, SwitchoverByStatusPatchMovesThePrimary) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  Json status = Json::Obj({{"targetPrimary", "orders-2"},
                           {"phase", "Switchover in progress"},
                           {"phaseReason", "Switching over to orders-2"}});
  ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, Json::Obj({{"status", std::move(status)}}),
                         "status"));
  EXPECT_TRUE(Eventually(
      [&] { return Healthy(2) && Status()["currentPrimary"].AsString() == "orders-2"; }));
}

TEST_F(BehaviourTest, ScalesUpAndDown) {
  StartOperator();
  CreateCluster(1);
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
  PatchSpec("/instances", 3);
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
  EXPECT_TRUE(fake.Get({"policy/v1", "PodDisruptionBudget", "acme", "orders"}));
  PatchSpec("/instances", 2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  EXPECT_FALSE(fake.Get({"v1", "PersistentVolumeClaim", "acme", "orders-3"}));
}

TEST_F(BehaviourTest, HibernationRemovesThePodsAndWakingBringsThemBack) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  const auto annotate = [&](const char* value) {
    Json patch = Json::MakeObject();
    patch.SetAt("/metadata/annotations", Json::Obj({{"cnpg.io/hibernation", value}}));
    ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, patch, ""));
  };
  annotate("on");
  ASSERT_TRUE(Eventually([&] {
    return ConditionOf(*fake.Get(ref), "cnpg.io/hibernation")["reason"].AsString() == "Hibernated";
  }));
  EXPECT_TRUE(Pod("orders-1").is_null() && Pod("orders-2").is_null());
  EXPECT_EQ(Phase(), "Cluster in healthy state");
  EXPECT_TRUE(
      Eventually([&] { return !Status().Has("readyInstances") && !Status().Has("systemID"); }));
  annotate("off");
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  EXPECT_EQ(Status()["currentPrimary"].AsString(), "orders-1");
  EXPECT_TRUE(ConditionOf(*fake.Get(ref), "cnpg.io/hibernation").is_null());
}

TEST_F(BehaviourTest, NewResourcesRollThePods) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  PatchSpec("/resources", *Json::Parse(R"({"limits":{"cpu":"2"}})"));
  EXPECT_TRUE(Eventually([&] {
    return Healthy(2) &&
           Pod("orders-1").At("/spec/containers/0/resources/limits/cpu").AsString() == "2" &&
           Pod("orders-2").At("/spec/containers/0/resources/limits/cpu").AsString() == "2";
  }));
  EXPECT_EQ(Status()["currentPrimary"].AsString(), "orders-1");
}

TEST_F(BehaviourTest, VolumesGrowWithTheSpec) {
  StartOperator();
  CreateCluster(1);
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
  PatchSpec("/storage/size", "2Gi");
  EXPECT_TRUE(Eventually([&] {
    auto claim = fake.Get({"v1", "PersistentVolumeClaim", "acme", "orders-1"});
    return claim && claim->At("/status/capacity/storage").AsString() == "2Gi";
  }));
}

class FaultTest : public BehaviourTest {
 protected:
  void CreateFaulty(const std::string& fault) {
    auto cluster = Json::Parse(
        R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"orders","namespace":"acme",
      "annotations":{"slipway.dev/sim-fault":")" +
        fault + R"("}},"spec":{"instances":1,"storage":{"size":"1Gi"}}})");
    ASSERT_TRUE(cluster && fake.Create(*cluster));
  }
};

TEST_F(FaultTest, UnschedulablePodStaysPendingWithTheSchedulersMessage) {
  CreateFaulty("unschedulable");
  StartOperator();
  ASSERT_TRUE(Eventually([&] {
    return ConditionOf(JobPodOf("orders-1-initdb"), "PodScheduled")["reason"].AsString() ==
           "Unschedulable";
  }));
  EXPECT_EQ(ConditionOf(JobPodOf("orders-1-initdb"), "PodScheduled")["message"].AsString(),
            "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(Phase(), "Setting up primary");
  SetFault("");
  EXPECT_TRUE(Eventually([&] { return Healthy(1); }));
}

TEST_F(FaultTest, ImagePullFaultHoldsTheJobsPodUntilItGoesAway) {
  CreateFaulty("image-pull");
  StartOperator();
  const char* waiting = "/status/containerStatuses/0/state/waiting";
  ASSERT_TRUE(Eventually([&] {
    return JobPodOf("orders-1-initdb").At(waiting)["reason"].AsString() == "ImagePullBackOff";
  }));
  EXPECT_NE(
      JobPodOf("orders-1-initdb").At(waiting)["message"].AsString().find("Back-off pulling image"),
      std::string::npos);
  EXPECT_EQ(Phase(), "Setting up primary");
  SetFault("");
  EXPECT_TRUE(Eventually([&] { return Healthy(1); }));
}

TEST_F(FaultTest, FailedInitdbMakesTheClusterUnrecoverable) {
  CreateFaulty("initdb-fails");
  StartOperator();
  ASSERT_TRUE(Eventually(
      [&] { return Phase() == "Cluster is unrecoverable and needs manual intervention"; }));
  EXPECT_EQ(Status()["phaseReason"].AsString(),
            "Instance creation failed for the following jobs: orders-1-initdb. Check the job logs "
            "to investigate the cause of the failure.");
}

TEST_F(FaultTest, AbsentOperatorWritesNothing) {
  CreateFaulty("operator-absent");
  StartOperator();
  // A second cluster becomes healthy: so the operator has had its turn with the first one, too.
  auto other = Json::Parse(
      R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"other","namespace":"acme"},
    "spec":{"instances":1,"storage":{"size":"1Gi"}}})");
  ASSERT_TRUE(other && fake.Create(*other));
  const kube::ObjectRef absent = ref;
  ref = RefOf(*other);
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
  EXPECT_TRUE((*fake.Get(absent))["status"].is_null());
}

TEST_F(FaultTest, NeverReadyPodKeepsThePhaseWaiting) {
  CreateFaulty("never-ready");
  StartOperator();
  ASSERT_TRUE(Eventually(
      [&] { return Status().At("/instancesStatus/replicating/0").AsString() == "orders-1"; }));
  EXPECT_EQ(Phase(), "Waiting for the instances to become active");
  SetFault("");
  EXPECT_TRUE(Eventually([&] { return Healthy(1); }));
}

TEST_F(FaultTest, UnknownPluginStopsWithItsPhase) {
  CreateFaulty("unknown-plugin");
  StartOperator();
  ASSERT_TRUE(Eventually([&] {
    return Phase() ==
           "Cluster cannot proceed to reconciliation due to an unknown plugin being required";
  }));
  EXPECT_EQ(Status().size(), 3U) << Describe();
}

TEST_F(BehaviourTest, MissingObjectStoreHoldsTheCreationUntilItAppears) {
  StartOperator();
  CreateCluster(1, kPlugin);
  ASSERT_TRUE(Eventually(
      [&] { return ConditionOf(*fake.Get(ref), "Initialized")["status"].AsString() == "False"; }));
  EXPECT_EQ(Phase(), "");
  CreateStore();
  EXPECT_TRUE(Eventually([&] { return Healthy(1); }));
  EXPECT_TRUE(fake.Get({"rbac.authorization.k8s.io/v1", "Role", "acme", "orders-barman-cloud"}));
}

TEST_F(BehaviourTest, PluginAddedLaterRollsThePods) {
  StartOperator();
  CreateCluster(2);
  ASSERT_TRUE(Eventually([&] { return Healthy(2); }));
  CreateStore();
  auto plugins = Json::Parse("{\"spec\":{" + std::string(kPlugin).substr(1) + "}}");
  ASSERT_TRUE(plugins && fake.Patch(ref, kube::PatchType::kMerge, *plugins, ""));
  EXPECT_TRUE(Eventually([&] {
    return Healthy(2) && Pod("orders-1").At("/spec/initContainers").size() == 2 &&
           Pod("orders-2").At("/spec/initContainers").size() == 2;
  }));
  EXPECT_TRUE(ConditionTrue(*fake.Get(ref), "ContinuousArchiving"));
}

TEST_F(BehaviourTest, ImmediateScheduleMakesABackupThatCompletes) {
  StartOperator();
  CreateStore();
  CreateCluster(1, kPlugin);
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
  ASSERT_TRUE(fake.Create(*Json::Parse(
      R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"ScheduledBackup","metadata":{"name":"daily","namespace":"acme"},
    "spec":{"schedule":"0 30 2 * * *","immediate":true,"cluster":{"name":"orders"},"method":"plugin","backupOwnerReference":"cluster",
            "pluginConfiguration":{"name":"barman-cloud.cloudnative-pg.io"}}})")));
  Json backup;
  ASSERT_TRUE(Eventually([&] {
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Backup") backup = object;
    return backup.At("/status/phase").AsString() == "completed";
  }));
  EXPECT_EQ(LabelOf(backup, "cnpg.io/scheduled-backup"), "daily");
  EXPECT_EQ(LabelOf(backup, "cnpg.io/immediateBackup"), "true");
  EXPECT_TRUE(Eventually([&] { return ConditionTrue(*fake.Get(ref), "LastBackupSucceeded"); }));
  EXPECT_TRUE(Eventually([&] {
    return Object({"postgresql.cnpg.io/v1", "ScheduledBackup", "acme", "daily"})
        .At("/status/nextScheduleTime")
        .is_string();
  }));
}

TEST_F(BehaviourTest, ABackupAndAScheduleThatComeBeforeTheirClusterWaitForIt) {
  StartOperator();
  CreateStore();
  for (
      const char* text :
      {R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"ScheduledBackup","metadata":{"name":"daily","namespace":"acme"},
            "spec":{"schedule":"0 30 2 * * *","immediate":true,"cluster":{"name":"orders"},"method":"plugin",
                    "pluginConfiguration":{"name":"barman-cloud.cloudnative-pg.io"}}})",
       R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Backup","metadata":{"name":"early","namespace":"acme"},
            "spec":{"cluster":{"name":"orders"},"method":"plugin","pluginConfiguration":{"name":"barman-cloud.cloudnative-pg.io"}}})"})
    ASSERT_TRUE(fake.Create(*Json::Parse(text)));
  const kube::ObjectRef early{"postgresql.cnpg.io/v1", "Backup", "acme", "early"};
  ASSERT_TRUE(
      Eventually([&] { return fake.Get(early)->At("/status/phase").AsString() == "pending"; }));
  CreateCluster(1, kPlugin);
  size_t completed = 0;
  EXPECT_TRUE(Eventually([&] {
    completed = 0;
    for (const Json& object : fake.Objects())
      completed += object["kind"].AsString() == "Backup" &&
                           object.At("/status/phase").AsString() == "completed"
                       ? 1
                       : 0;
    return completed == 2;
  })) << completed;
}

TEST_F(BehaviourTest, BackupWithoutPluginFails) {
  StartOperator();
  CreateCluster(1);
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
  const kube::ObjectRef backup{"postgresql.cnpg.io/v1", "Backup", "acme", "now"};
  ASSERT_TRUE(fake.Create(*Json::Parse(
      R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Backup","metadata":{"name":"now","namespace":"acme"},
    "spec":{"cluster":{"name":"orders"},"method":"plugin","pluginConfiguration":{"name":"barman-cloud.cloudnative-pg.io"}}})")));
  ASSERT_TRUE(
      Eventually([&] { return fake.Get(backup)->At("/status/phase").AsString() == "failed"; }));
  EXPECT_EQ(fake.Get(backup)->At("/status/error").AsString(),
            "requested plugin is not available: barman-cloud.cloudnative-pg.io");
}

}  // namespace
}  // namespace slipway::sim::operators::cnpg
