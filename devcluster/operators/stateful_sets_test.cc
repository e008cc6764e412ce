#include "devcluster/operators/stateful_sets.h"

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/test_fixture.h"

namespace slipway::sim::operators {
namespace {

class StatefulSetTest : public testing::Test {
 protected:
  void SetUp() override {
    auto set = Json::Parse(
        R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db","namespace":"acme"},
      "spec":{"replicas":3,"serviceName":"db","selector":{"matchLabels":{"app":"db"}},
        "updateStrategy":{"type":"RollingUpdate"},
        "template":{"metadata":{"labels":{"app":"db"}},"spec":{"containers":[{"name":"c","image":"one"}]}},
        "volumeClaimTemplates":[{"metadata":{"name":"data","labels":{"a":"b"}},"spec":{"resources":{"requests":{"storage":"1Gi"}}}}]}})");
    ASSERT_TRUE(set);
    ASSERT_TRUE(fake.Create(*set));
  }

  Json Set() {
    auto set = fake.Get({"apps/v1", "StatefulSet", "acme", "db"});
    return set ? *set : Json();
  }

  void Step() {
    TestPass pass(environment, memory);
    Json set = Set();
    auto list = fake.List("v1", "Pod", "acme", {.label_selector = "app=db"});
    ASSERT_TRUE(list);
    auto played = PlayStatefulSet(pass, set, list->items);
    ASSERT_TRUE(played) << played.error().message;
  }

  void PatchSet(const std::string& patch) {
    ASSERT_TRUE(fake.Patch(RefOf(Set()), kube::PatchType::kMerge, *Json::Parse(patch), ""));
  }

  void Run(const std::string& name) {
    TestPass pass(environment, memory);
    auto pod = fake.Get({"v1", "Pod", "acme", name});
    ASSERT_TRUE(pod) << name;
    ASSERT_TRUE(SetRunning(pass, *pod, true));
  }

  // Takes steps and starts pods until all replicas are ready.
  void Settle() {
    for (int i = 0; i < 20; ++i) {
      Step();
      for (const std::string& name : Pods()) Run(name);
    }
  }

  std::vector<std::string> Pods() {
    std::vector<std::string> out;
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Pod") out.push_back(NameOf(object));
    return out;
  }

  Json Status(const char* key) { return Set()["status"][key]; }

  SystemClock clock;
  Logger log{clock, 2, Logger::Format::kJson, Logger::Level::kError};
  FakeCluster fake{clock};
  PassEnvironment environment{fake, clock, log, 0};
  PassMemory memory;
};

TEST_F(StatefulSetTest, MakesPodsInOrderWithTheirClaims) {
  Step();
  EXPECT_EQ(Pods(), (std::vector<std::string>{"db-0"}));
  Step();
  EXPECT_EQ(Pods().size(), 1U);  // not ready yet
  Run("db-0");
  Step();
  EXPECT_EQ(Pods(), (std::vector<std::string>{"db-0", "db-1"}));
  EXPECT_EQ(Status("replicas").AsInt(), 2);
  EXPECT_EQ(Status("readyReplicas").AsInt(), 1);
  auto claim = fake.Get({"v1", "PersistentVolumeClaim", "acme", "data-db-0"});
  ASSERT_TRUE(claim);
  EXPECT_EQ((*claim)["metadata"]["labels"], *Json::Parse(R"({"a":"b","app":"db"})"));
  EXPECT_FALSE((*claim)["metadata"].Has("ownerReferences"));
  auto pod = fake.Get({"v1", "Pod", "acme", "db-0"});
  ASSERT_TRUE(pod);
  EXPECT_EQ(LabelOf(*pod, "apps.kubernetes.io/pod-index"), "0");
  EXPECT_EQ(pod->At("/spec/volumes/0/persistentVolumeClaim/claimName").AsString(), "data-db-0");
  EXPECT_EQ(pod->At("/spec/subdomain").AsString(), "db");
}

TEST_F(StatefulSetTest, RollsFromTheLastWhenAllAreReady) {
  Settle();
  EXPECT_TRUE(StatefulSetReady(Set(), 3));
  const Json before = Status("currentRevision");
  PatchSet(R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"two"}]}}}})");
  EXPECT_FALSE(StatefulSetReady(Set(), 3));
  Step();
  EXPECT_EQ(Pods(), (std::vector<std::string>{"db-0", "db-1"}));
  Step();
  EXPECT_EQ(Status("currentRevision"), before);
  EXPECT_EQ(Status("updatedReplicas").AsInt(), 1);
  EXPECT_EQ(Status("currentReplicas").AsInt(), 2);
  Step();
  EXPECT_EQ(Pods().size(), 3U);  // it waits for db-2
  Settle();
  EXPECT_NE(Status("currentRevision"), before);
  EXPECT_TRUE(StatefulSetReady(Set(), 3));
}

TEST_F(StatefulSetTest, OnDeleteLeavesPodsAlone) {
  Settle();
  PatchSet(
      R"({"spec":{"updateStrategy":{"type":"OnDelete"},"template":{"spec":{"containers":[{"name":"c","image":"two"}]}}}})");
  Settle();
  EXPECT_FALSE(Set()["status"].Has("updatedReplicas"));
  EXPECT_EQ(Status("currentReplicas").AsInt(), 3);
  ASSERT_TRUE(fake.Delete({"v1", "Pod", "acme", "db-1"}, {}));
  Settle();
  auto pod = fake.Get({"v1", "Pod", "acme", "db-1"});
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->At("/spec/containers/0/image").AsString(), "two");
  EXPECT_EQ(Status("updatedReplicas").AsInt(), 1);
}

TEST_F(StatefulSetTest, TakesTheLastPodsAwayFirst) {
  Settle();
  PatchSet(R"({"spec":{"replicas":1}})");
  Step();
  EXPECT_EQ(Pods(), (std::vector<std::string>{"db-0", "db-1"}));
  Settle();
  EXPECT_EQ(Pods(), (std::vector<std::string>{"db-0"}));
  EXPECT_TRUE(fake.Get({"v1", "PersistentVolumeClaim", "acme", "data-db-2"}));
}

TEST_F(StatefulSetTest, AdoptsPodsOfItsNames) {
  Settle();
  Json pod = *fake.Get({"v1", "Pod", "acme", "db-0"});
  ASSERT_TRUE(fake.Patch(RefOf(pod), kube::PatchType::kMerge,
                         *Json::Parse(R"({"metadata":{"ownerReferences":null}})"), ""));
  Step();
  EXPECT_TRUE(OwnedBy(Set(), *fake.Get(RefOf(pod))));
  EXPECT_EQ(Status("replicas").AsInt(), 3);
}

TEST_F(StatefulSetTest, LeavesASetToARealController) {
  // The real controller shows itself by its account, before it has done anything.
  ASSERT_TRUE(fake.Create(*Json::Parse(
      R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"statefulset-controller","namespace":"kube-system"}})")));
  Step();
  EXPECT_TRUE(Pods().empty());
  ASSERT_TRUE(fake.Delete({"v1", "ServiceAccount", "kube-system", "statefulset-controller"}, {}));
  // The real controller shows itself by the name that it gave the revision.
  ASSERT_TRUE(fake.Patch(
      RefOf(Set()), kube::PatchType::kMerge,
      *Json::Parse(R"({"status":{"observedGeneration":1,"updateRevision":"db-d4fd7755"}})"),
      "status"));
  Step();
  EXPECT_TRUE(Pods().empty());
}

TEST_F(StatefulSetTest, GivesARealControllerTimeToAppear) {
  environment.pace = 1;
  Step();
  EXPECT_TRUE(Pods().empty());
  environment.pace = 0;
  Step();
  EXPECT_EQ(Pods().size(), 1U);
}

TEST_F(StatefulSetTest, WritesNothingWhenNothingChanges) {
  Settle();
  const size_t before = fake.Changes().size();
  Step();
  EXPECT_EQ(fake.Changes().size(), before);
}

}  // namespace
}  // namespace slipway::sim::operators
