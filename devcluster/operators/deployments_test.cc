#include "devcluster/operators/deployments.h"

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/stateful_sets.h"
#include "devcluster/operators/test_fixture.h"

namespace slipway::sim::operators {
namespace {

class DeploymentTest : public testing::Test {
 protected:
  void SetUp() override {
    auto deployment = Json::Parse(
        R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"acme"},
      "spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},
        "template":{"metadata":{"labels":{"app":"web","more":"x"}},"spec":{"containers":[{"name":"c","image":"one"}]}}}})");
    ASSERT_TRUE(deployment);
    ASSERT_TRUE(fake.Create(*deployment));
  }

  Json Deployment() {
    auto found = fake.Get({"apps/v1", "Deployment", "acme", "web"});
    return found ? *found : Json();
  }

  std::vector<Json> Of(const char* kind) {
    std::vector<Json> out;
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == kind) out.push_back(object);
    return out;
  }

  void Step() {
    TestPass pass(environment, memory);
    Json deployment = Deployment();
    std::vector<Json> sets = Of("ReplicaSet"), pods = Of("Pod");
    auto played = PlayDeployment(pass, deployment, sets, pods);
    ASSERT_TRUE(played) << played.error().message;
  }

  void RunAll() {
    TestPass pass(environment, memory);
    for (Json& pod : Of("Pod")) {
      if (PodRunning(pod)) continue;
      ASSERT_TRUE(SetRunning(pass, pod, true));
    }
  }

  void Settle() {
    for (int i = 0; i < 10; ++i) {
      Step();
      RunAll();
    }
  }

  void Patch(const std::string& patch) {
    ASSERT_TRUE(fake.Patch(RefOf(Deployment()), kube::PatchType::kMerge, *Json::Parse(patch), ""));
  }

  void SetImage(const char* image) {
    Patch(R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":")" +
          std::string(image) + R"("}]}}}})");
  }

  Json Status(const char* key) { return Deployment()["status"][key]; }

  SystemClock clock;
  Logger log{clock, 2, Logger::Format::kJson, Logger::Level::kError};
  FakeCluster fake{clock};
  PassEnvironment environment{fake, clock, log, 0};
  PassMemory memory;
};

TEST_F(DeploymentTest, MakesPodsThroughAReplicaSet) {
  Step();
  const std::vector<Json> sets = Of("ReplicaSet"), pods = Of("Pod");
  ASSERT_EQ(sets.size(), 1U);
  ASSERT_EQ(pods.size(), 2U);
  const std::string hash = TemplateHash(Deployment());
  EXPECT_EQ(NameOf(sets[0]), "web-" + hash);
  EXPECT_EQ(sets[0].At("/spec/selector/matchLabels"),
            Json::Obj({{"app", "web"}, {"pod-template-hash", hash}}));
  EXPECT_TRUE(OwnedBy(Deployment(), sets[0]));
  EXPECT_TRUE(OwnedBy(sets[0], pods[0]));
  EXPECT_EQ(NameOf(pods[0]).rfind("web-" + hash + "-", 0), 0U);
  EXPECT_EQ(LabelOf(pods[0], "more"), "x");
  EXPECT_EQ(AnnotationOf(Deployment(), "deployment.kubernetes.io/revision"), "1");
  EXPECT_FALSE(DeploymentAvailable(Deployment()));
  EXPECT_EQ(Status("unavailableReplicas").AsInt(), 2);
}

TEST_F(DeploymentTest, CountsTheReadyOnes) {
  Settle();
  EXPECT_TRUE(DeploymentAvailable(Deployment()));
  EXPECT_EQ(Status("readyReplicas").AsInt(), 2);
  EXPECT_EQ(Status("updatedReplicas").AsInt(), 2);
  EXPECT_FALSE(Deployment()["status"].Has("unavailableReplicas"));
  EXPECT_EQ(ConditionOf(Deployment(), "Progressing")["reason"].AsString(),
            "NewReplicaSetAvailable");
  const size_t before = fake.Changes().size();
  Step();
  EXPECT_EQ(fake.Changes().size(), before);
}

TEST_F(DeploymentTest, ScalesAndReplacesLostPods) {
  Settle();
  Patch(R"({"spec":{"replicas":3}})");
  Settle();
  EXPECT_EQ(Of("Pod").size(), 3U);
  ASSERT_TRUE(fake.Delete(RefOf(Of("Pod")[0]), {}));
  Step();
  EXPECT_EQ(Of("Pod").size(), 3U);
  EXPECT_FALSE(DeploymentAvailable(Deployment()));
  Patch(R"({"spec":{"replicas":0}})");
  Settle();
  EXPECT_TRUE(Of("Pod").empty());
  EXPECT_TRUE(DeploymentAvailable(Deployment()));
}

TEST_F(DeploymentTest, RollsOnePodAtATimeAndNeverBelowTheWanted) {
  Settle();
  SetImage("two");
  Step();
  EXPECT_EQ(Of("ReplicaSet").size(), 2U);
  EXPECT_EQ(Of("Pod").size(), 3U);
  Step();
  EXPECT_EQ(Of("Pod").size(), 3U);  // the new pod is not ready yet
  Settle();
  ASSERT_EQ(Of("Pod").size(), 2U);
  for (const Json& pod : Of("Pod")) EXPECT_EQ(pod.At("/spec/containers/0/image").AsString(), "two");
  EXPECT_EQ(AnnotationOf(Deployment(), "deployment.kubernetes.io/revision"), "2");
  SetImage("one");
  Settle();
  EXPECT_EQ(Of("ReplicaSet").size(), 2U);
  EXPECT_EQ(AnnotationOf(Deployment(), "deployment.kubernetes.io/revision"), "3");
}

TEST_F(DeploymentTest, LeavesTheDeploymentToARealController) {
  ASSERT_TRUE(fake.Create(*Json::Parse(
      R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"deployment-controller","namespace":"kube-system"}})")));
  Settle();
  EXPECT_TRUE(Of("ReplicaSet").empty());
}

TEST_F(DeploymentTest, LeavesADeploymentWithReplicaSetsOfAnother) {
  Json set = PodFrom(Deployment(), "web-86c5c7cc9f");
  set.Set("apiVersion", "apps/v1").Set("kind", "ReplicaSet");
  set["metadata"]["labels"].Set("pod-template-hash", "86c5c7cc9f");
  ASSERT_TRUE(fake.Create(set));
  Settle();
  EXPECT_EQ(Of("ReplicaSet").size(), 1U);
  EXPECT_TRUE(Of("Pod").empty());
}

TEST_F(DeploymentTest, SaysWhatIsRefused) {
  // The first step writes the set, its revision and its size.
  Step();
  for (const Json& pod : Of("Pod")) ASSERT_TRUE(fake.Delete(RefOf(pod), {}));
  fake.Refuse("Pod", "exceeded quota: small");
  Step();
  EXPECT_EQ(ConditionOf(Deployment(), "ReplicaFailure")["message"].AsString(),
            "exceeded quota: small");
  ASSERT_EQ(Of("Event").size(), 1U);
  EXPECT_EQ(Of("Event")[0]["reason"].AsString(), "FailedCreate");
  fake.Refuse("", "");
  Settle();
  EXPECT_TRUE(ConditionOf(Deployment(), "ReplicaFailure").is_null());
  EXPECT_TRUE(DeploymentAvailable(Deployment()));
}

}  // namespace
}  // namespace slipway::sim::operators
