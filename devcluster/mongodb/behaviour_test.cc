#include <thread>

#include "devcluster/mongodb/test_fixture.h"
#include "devcluster/operators/kubelet.h"

namespace slipway::sim::operators::mongodb {
namespace {

constexpr char kNotReady[] = "ReplicaSet is not yet ready, retrying in 10 seconds";

class MongodbBehaviourTest : public MongodbTest {};

TEST_F(MongodbBehaviourTest, MakesAReplicaSet) {
  RunInstance(3);
  const std::vector<Json> written = Statuses();
  ASSERT_EQ(written.size(), 2U);
  EXPECT_EQ(written[0],
            *Json::Parse(R"({"mongoUri":"","phase":"Pending","currentStatefulSetReplicas":0,
    "currentMongoDBMembers":0,"message":"ReplicaSet is not yet ready, retrying in 10 seconds"})"));
  EXPECT_EQ(written[1]["version"].AsString(), "7.0.24");
  EXPECT_FALSE(written[1].Has("message"));
  EXPECT_EQ(Config()["version"].AsInt(), 1);
  EXPECT_EQ(
      Secret("mdb-conn-dbadmin", "connectionString.standard"),
      "mongodb://dbadmin:s3cret@mdb-0.mdb-svc.acme.svc.cluster.local:27017,mdb-1.mdb-svc.acme."
      "svc.cluster.local:27017,mdb-2.mdb-svc.acme.svc.cluster.local:27017/"
      "admin?replicaSet=mdb&ssl=false");
  EXPECT_EQ(AnnotationOf(Get("Service", "mdb-svc"), "slipway.dev/simulated"),
            "no MongoDB server runs in the development cluster");
  for (const char* pod : {"mdb-0", "mdb-1", "mdb-2"})
    EXPECT_EQ(AnnotationOf(Get("Pod", pod), kAgentVersion), "1") << pod;
  EXPECT_EQ(Set("mdb-arb").At("/spec/replicas").AsInt(-1), 0);
}

TEST_F(MongodbBehaviourTest, PodsComeInOrderAndWaitForTheFirstPlanTogether) {
  RunInstance(3);
  std::set<std::string> ready, waited;
  std::vector<std::string> made;
  for (const FakeCluster::Change& change : fake.Changes()) {
    if (change.object["kind"].AsString() != "Pod") continue;
    if (change.verb == "ADDED") {
      EXPECT_EQ(ready.size(), made.size()) << NameOf(change.object);
      made.push_back(NameOf(change.object));
    }
    if (PodReady(change.object)) ready.insert(NameOf(change.object));
    if (AnnotationOf(change.object, kAgentVersion) == "-1") waited.insert(NameOf(change.object));
  }
  EXPECT_EQ(made, (std::vector<std::string>{"mdb-0", "mdb-1", "mdb-2"}));
  EXPECT_EQ(waited, (std::set<std::string>{"mdb-0", "mdb-1"}));
}

TEST_F(MongodbBehaviourTest, IsQuietWhenNothingChanges) {
  RunInstance(3);
  const size_t before = SettledChanges();
  for (int i = 0; i < 20; ++i) op->InstanceChanged("acme", "mdb");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(fake.Changes().size(), before);
}

TEST_F(MongodbBehaviourTest, ScalesUpByOneMemberAStep) {
  RunInstance(3);
  const size_t before = fake.Changes().size();
  Patch(R"({"members":5})");
  ASSERT_TRUE(Eventually([&] { return Running(5); }));
  EXPECT_EQ(Config()["version"].AsInt(), 3);
  std::vector<std::string> messages;
  for (const Json& status : Statuses(before)) messages.push_back(status["message"].AsString());
  EXPECT_EQ(messages,
            (std::vector<std::string>{
                "", kNotReady, "Performing scaling operation, currentMembers=3, desiredMembers=5",
                kNotReady, ""}));
  EXPECT_NE(Secret("mdb-conn-dbadmin", "connectionString.standard").find("mdb-4."),
            std::string::npos);
}

TEST_F(MongodbBehaviourTest, ScalesDownAndLeavesTheVolumes) {
  RunInstance(3);
  Patch(R"({"members":1})");
  ASSERT_TRUE(Eventually([&] { return Running(1); }));
  EXPECT_EQ(Config()["version"].AsInt(), 3);
  EXPECT_TRUE(Get("Pod", "mdb-1").is_null());
  EXPECT_TRUE(Get("PersistentVolumeClaim", "data-volume-mdb-2").is_object());
}

TEST_F(MongodbBehaviourTest, AddsAnArbiter) {
  RunInstance(3);
  Patch(R"({"arbiters":1})");
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
  EXPECT_EQ(Status()["currentMongoDBArbiters"].AsInt(), 1);
  EXPECT_EQ(Config().At("/replicaSets/0/members/3/_id").AsInt(), 100);
  ASSERT_TRUE(Eventually([&] { return PodReady(Get("Pod", "mdb-arb-0")); }));
}

TEST_F(MongodbBehaviourTest, ChangesTheVersionPodByPod) {
  RunInstance(3);
  const size_t before = fake.Changes().size();
  Patch(R"({"version":"8.0.21"})");
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
  EXPECT_EQ(Status()["version"].AsString(), "8.0.21");
  EXPECT_EQ(AnnotationOf(Object(ref), kLastApplied), "8.0.21");
  EXPECT_EQ(Config()["version"].AsInt(), 2);
  EXPECT_EQ(Config().At("/processes/0/featureCompatibilityVersion").AsString(), "7.0");
  std::vector<std::string> replaced;
  for (const FakeCluster::Change& change : fake.Changes())
    if (change.verb == "DELETED" && change.object["kind"].AsString() == "Pod")
      replaced.push_back(NameOf(change.object));
  EXPECT_EQ(replaced, (std::vector<std::string>{"mdb-2", "mdb-1", "mdb-0"}));
  for (const Json& status : Statuses(before))
    EXPECT_EQ(status["version"].AsString(),
              status["phase"].AsString() == "Running" && status != Statuses(before).front()
                  ? "8.0.21"
                  : "7.0.24");
  ASSERT_TRUE(Eventually([&] {
    return Set("mdb").At("/spec/updateStrategy/type").AsString() == "RollingUpdate" &&
           Set("mdb-arb").At("/spec/updateStrategy/type").AsString() == "RollingUpdate";
  }));
  Patch(R"({"featureCompatibilityVersion":"8.0"})");
  ASSERT_TRUE(Eventually([&] { return Running(3) && Config()["version"].AsInt() == 3; }));
}

TEST_F(MongodbBehaviourTest, RollsAChangedTemplate) {
  RunInstance(3);
  Patch(R"({"statefulSet":{"spec":{"template":{"metadata":{"annotations":{"rotated":"1"}}}}}})");
  ASSERT_TRUE(Eventually(
      [&] { return Running(3) && AnnotationOf(Get("Pod", "mdb-0"), "rotated") == "1"; }));
  EXPECT_EQ(Config()["version"].AsInt(), 1);
}

TEST_F(MongodbBehaviourTest, RotatesAPassword) {
  RunInstance(1);
  ASSERT_TRUE(fake.Patch({"v1", "Secret", "acme", "mdb-dbadmin-password"}, kube::PatchType::kMerge,
                         *Json::Parse(R"({"data":{"password":")" + Base64Encode("other") + "\"}}"),
                         ""));
  ASSERT_TRUE(Eventually([&] {
    return Running(1) && Secret("mdb-conn-dbadmin", "password") == "other" &&
           Config()["version"].AsInt() == 2;
  }));
}

TEST_F(MongodbBehaviourTest, DropsARemovedUser) {
  RunInstance(1);
  CreatePassword("second-password");
  const std::string second =
      R"({"name":"second","passwordSecretRef":{"name":"second-password"},"scramCredentialsSecretName":"second","connectionStringSecretName":"second-conn"})";
  const std::string first = Object(ref).At("/spec/users/0").Dump();
  Patch("{\"users\":[" + first + "," + second + "]}");
  ASSERT_TRUE(Eventually([&] { return Running(1) && Get("Secret", "second-conn").is_object(); }));
  Patch("{\"users\":[" + first + "]}");
  ASSERT_TRUE(Eventually([&] {
    return Running(1) && Get("Secret", "second-conn").is_null() &&
           Get("Secret", "second-scram-credentials").is_null();
  }));
  EXPECT_EQ(Config().At("/auth/usersDeleted/0/user").AsString(), "second");
}

TEST_F(MongodbBehaviourTest, FailsWithoutAPasswordAndRecovers) {
  CreateInstance(1);
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Status()["phase"].AsString() == "Failed"; }));
  EXPECT_EQ(Status(),
            *Json::Parse(R"({"mongoUri":"","phase":"Failed","currentStatefulSetReplicas":0,
    "currentMongoDBMembers":0,"message":"Error ensuring User config: user password secret: acme/mdb-dbadmin-password and scram secret: acme/mdb-dbadmin-scram-credentials not found"})"));
  EXPECT_TRUE(Get("Service", "mdb-svc").is_object());
  EXPECT_TRUE(Set("mdb").is_null());
  CreateText(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"mdb-dbadmin-password"},"stringData":{"wrong":"x"}})");
  ASSERT_TRUE(Eventually([&] {
    return Status()["message"].AsString() ==
           "Error ensuring User config: key \"password\" not present in the Secret "
           "acme/mdb-dbadmin-password";
  }));
  ASSERT_TRUE(fake.Patch({"v1", "Secret", "acme", "mdb-dbadmin-password"}, kube::PatchType::kMerge,
                         *Json::Parse(R"({"data":{"password":"eA=="}})"), ""));
  ASSERT_TRUE(Eventually([&] { return Running(1); }));
}

TEST_F(MongodbBehaviourTest, AnInvalidSpecLeavesTheRestRunning) {
  RunInstance(3);
  Patch(R"({"arbiters":3})");
  ASSERT_TRUE(Eventually([&] { return Status()["phase"].AsString() == "Failed"; }));
  EXPECT_EQ(
      Status()["message"].AsString().rfind("error validating new Spec: number of arbiters", 0), 0U);
  EXPECT_EQ(Status()["currentMongoDBMembers"].AsInt(), 3);
  Patch(R"({"arbiters":0})");
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
}

TEST_F(MongodbBehaviourTest, CannotChangeTheClaims) {
  RunInstance(1);
  const auto size = [&](const char* storage) {
    Patch(R"({"statefulSet":{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"data-volume"},
      "spec":{"resources":{"requests":{"storage":")" +
          std::string(storage) + R"("}}}}]}}})");
  };
  size("100Gi");
  ASSERT_TRUE(Eventually([&] { return Status()["phase"].AsString() == "Failed"; }));
  EXPECT_EQ(Status()["message"].AsString().rfind(
                "Error deploying MongoDB ReplicaSet: error creating/updating StatefulSet: error "
                "creating/updating StatefulSet: StatefulSet.apps \"mdb\" is invalid: spec: "
                "Forbidden: updates to statefulset spec",
                0),
            0U);
  EXPECT_EQ(Status()["version"].AsString(), "7.0.24");
  size("10G");
  ASSERT_TRUE(Eventually([&] { return Running(1); }));
}

TEST_F(MongodbBehaviourTest, WaitsForPrometheusPassword) {
  CreatePassword();
  CreateInstance(1, R"(,"prometheus":{"username":"m","passwordSecretRef":{"name":"mdb-metrics"}})");
  StartOperator();
  ASSERT_TRUE(Eventually([&] {
    return Status()["message"].AsString() ==
           "Error deploying MongoDB ReplicaSet: failed to ensure AutomationConfig: could not build "
           "automation config: could not configure Prometheus modification: Secret \"mdb-metrics\" "
           "not found";
  }));
  CreateText(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"mdb-metrics"},"stringData":{"password":"x"}})");
  ASSERT_TRUE(Eventually([&] { return Running(1); }));
  EXPECT_EQ(Get("Service", "mdb-svc").At("/spec/ports/1/port").AsInt(), 9216);
}

TEST_F(MongodbBehaviourTest, TlsWaitsForItsCertificateThenCannotScaleUpByItself) {
  CreatePassword();
  CreateInstance(3);
  Patch(
      R"({"security":{"tls":{"enabled":true,"certificateKeySecretRef":{"name":"cert"},"caCertificateSecretRef":{"name":"cert"}}}})");
  StartOperator();
  ASSERT_TRUE(Eventually([&] {
    return Status()["message"].AsString() == "TLS config is not yet valid, retrying in 10 seconds";
  }));
  EXPECT_EQ(Status()["phase"].AsString(), "Pending");
  EXPECT_TRUE(Set("mdb").is_null());
  CreateText(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"cert"},"stringData":{"ca.crt":"a","tls.crt":"c","tls.key":"k"}})");
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
  EXPECT_EQ(Get("Secret", "mdb-ca-certificate")["data"].size(), 1U);
  EXPECT_NE(Secret("mdb-conn-dbadmin", "connectionString.standard").find("ssl=true"),
            std::string::npos);
  for (int members = 4; members <= 5; ++members) {
    if (members == 4) Patch(R"({"members":5})");
    ASSERT_TRUE(Eventually([&] { return Config()["version"].AsInt() == members - 2; }));
    (void)SettledChanges();
    EXPECT_EQ(Status()["message"].AsString(), kNotReady);
    EXPECT_EQ(Set("mdb").At("/spec/replicas").AsInt(), members - 1);
    ASSERT_TRUE(
        fake.Patch({"apps/v1", "StatefulSet", "acme", "mdb"}, kube::PatchType::kMerge,
                   *Json::Parse("{\"spec\":{\"replicas\":" + std::to_string(members) + "}}"), ""));
    ASSERT_TRUE(Eventually([&] { return Status()["currentMongoDBMembers"].AsInt() == members; }));
  }
  ASSERT_TRUE(Eventually([&] { return Running(5); }));
}

TEST_F(MongodbBehaviourTest, WithoutItsAccountThereAreNoPods) {
  const kube::ObjectRef account{"v1", "ServiceAccount", "acme", "mongodb-kubernetes-appdb"};
  ASSERT_TRUE(fake.Delete(account, {}));
  CreatePassword();
  CreateInstance(1);
  StartOperator();
  const auto event = [&] {
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Event" && object["reason"].AsString() == "FailedCreate")
        return object["message"].AsString() + object["note"].AsString();
    return std::string();
  };
  ASSERT_TRUE(Eventually([&] { return !event().empty(); }));
  EXPECT_EQ(event(),
            "create Pod mdb-0 in StatefulSet mdb failed error: pods \"mdb-0\" is forbidden: error "
            "looking up service account acme/mongodb-kubernetes-appdb: serviceaccount "
            "\"mongodb-kubernetes-appdb\" not found");
  EXPECT_TRUE(Get("Pod", "mdb-0").is_null());
  EXPECT_EQ(Status()["message"].AsString(), kNotReady);
  CreateText(
      R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"mongodb-kubernetes-appdb"}})");
  ASSERT_TRUE(Eventually([&] { return Running(1); }));
}

TEST_F(MongodbBehaviourTest, ReplacesALostPodWithItsVolumes) {
  RunInstance(3);
  const std::string before = UidOf(Get("Pod", "mdb-1"));
  const std::string volume = UidOf(Get("PersistentVolumeClaim", "data-volume-mdb-1"));
  const size_t from = fake.Changes().size();
  ASSERT_TRUE(fake.Delete({"v1", "Pod", "acme", "mdb-1"}, {}));
  ASSERT_TRUE(Eventually([&] {
    const Json pod = Get("Pod", "mdb-1");
    return pod.is_object() && UidOf(pod) != before && AnnotationOf(pod, kAgentVersion) == "1" &&
           Statuses(from).size() == 2 && Running(3);
  }));
  EXPECT_EQ(UidOf(Get("PersistentVolumeClaim", "data-volume-mdb-1")), volume);
  EXPECT_EQ(Config()["version"].AsInt(), 1);
  const std::vector<Json> statuses = Statuses(from);
  ASSERT_EQ(statuses.size(), 2U);
  EXPECT_EQ(statuses[0]["message"].AsString(), kNotReady);
  EXPECT_EQ(statuses[0]["currentMongoDBMembers"].AsInt(), 3);
}

TEST_F(MongodbBehaviourTest, MakesADeletedConnectionSecretAgain) {
  RunInstance(1);
  ASSERT_TRUE(fake.Delete({"v1", "Secret", "acme", "mdb-conn-dbadmin"}, {}));
  ASSERT_TRUE(Eventually([&] { return Get("Secret", "mdb-conn-dbadmin").is_object(); }));
}

TEST_F(MongodbBehaviourTest, LeavesASecretThatItDoesNotOwn) {
  CreateText(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"mdb-conn-dbadmin"},"stringData":{"mine":"x"}})");
  RunInstance(1);
  EXPECT_EQ(Get("Secret", "mdb-conn-dbadmin")["data"].size(), 1U);
}

TEST_F(MongodbBehaviourTest, DeletionLeavesOnlyWhatItDoesNotOwn) {
  RunInstance(3);
  ASSERT_TRUE(fake.Delete(ref, {}));
  std::map<std::string, int> left;
  for (const Json& object : fake.Objects()) ++left[object["kind"].AsString()];
  EXPECT_EQ(left, (std::map<std::string, int>{
                      {"PersistentVolumeClaim", 6}, {"Secret", 1}, {"ServiceAccount", 1}}));
}

TEST_F(MongodbBehaviourTest, SurvivesItsOwnRestartInTheMiddle) {
  RunInstance(3);
  Patch(R"({"members":5})");
  ASSERT_TRUE(Eventually([&] { return Config()["version"].AsInt() == 2; }));
  StopOperator();
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Running(5); }));
  EXPECT_EQ(Config()["version"].AsInt(), 3);
}

TEST_F(MongodbBehaviourTest, SurvivesWritesThatFail) {
  CreatePassword();
  CreateInstance(3);
  StartOperator();
  for (const int64_t n : {0, 3, 8}) {
    fake.FailOnce(n);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
  EXPECT_EQ(Config()["version"].AsInt(), 1);
}

class MongodbFaultTest : public MongodbTest, public testing::WithParamInterface<const char*> {};

TEST_P(MongodbFaultTest, IsPendingUntilTheFaultIsGone) {
  const std::string fault = GetParam();
  CreatePassword();
  CreateInstance(3);
  SetFaultOf(ref, fault);
  StartOperator();
  ASSERT_TRUE(Eventually([&] {
    const Json pod = Get("Pod", "mdb-0");
    if (fault == "unschedulable")
      return ConditionOf(pod, "PodScheduled")["reason"].AsString() == "Unschedulable";
    if (fault == "image-pull")
      return pod.At("/status/containerStatuses/0/state/waiting/reason").AsString() ==
             "ImagePullBackOff";
    return PodRunning(pod) && pod.At("/status/containerStatuses/0/ready").AsBool() &&
           !pod.At("/status/containerStatuses/1/ready").AsBool();
  }));
  (void)SettledChanges();
  EXPECT_EQ(Status()["message"].AsString(), kNotReady);
  EXPECT_TRUE(Get("Pod", "mdb-1").is_null());
  EXPECT_EQ(AnnotationOf(Get("Pod", "mdb-0"), kAgentVersion), "");
  SetFaultOf(ref, "");
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
}

INSTANTIATE_TEST_SUITE_P(Faults, MongodbFaultTest,
                         testing::Values("unschedulable", "image-pull", "never-ready"),
                         [](const auto& fault) {
                           std::string name = fault.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace slipway::sim::operators::mongodb
