#include "devcluster/controllers.h"

#include "devcluster/test_cluster.h"

namespace slipway::sim {
namespace {

class ControllerLoop : public TestCluster {
 protected:
  ControllerLoop() {
    controllers.Observe();
    controllers.Start();
  }

  void Settle() { ASSERT_TRUE(controllers.Settle(std::chrono::seconds(10))); }

  static Json OwnedBy(Json object, const std::vector<ObjectPtr>& owners, bool blocks = false) {
    Json references = Json::MakeArray();
    for (const ObjectPtr& owner : owners)
      references.Push(Json::Obj({{"apiVersion", "v1"},
                                 {"kind", "ConfigMap"},
                                 {"name", owner->name},
                                 {"uid", owner->uid},
                                 {"blockOwnerDeletion", blocks}}));
    object["metadata"].Set("ownerReferences", std::move(references));
    return object;
  }

  bool Exists(const std::string& name) { return !Get("v1", "ConfigMap", "a", name).is_null(); }

  void Release(const std::string& name) {
    ASSERT_TRUE(api.Patch(KindOf("v1", "ConfigMap"), "a", name, PatchKind::kMerge,
                          J(R"({"metadata":{"finalizers":null}})"), {}));
  }

  SystemClock real;
  Logger log{real, 2, Logger::Format::kJson, Logger::Level::kWarn};
  TimerQueue timers{real};
  Controllers controllers{api, timers, log};
};

TEST_F(ControllerLoop, DependentsGoWithTheirOwner) {
  const ObjectPtr owner = Create(ConfigMap("owner"));
  const ObjectPtr child = Create(OwnedBy(ConfigMap("child"), {owner}));
  Create(OwnedBy(ConfigMap("grandchild"), {child}));
  Create(ConfigMap("stranger"));
  ASSERT_TRUE(Delete(ConfigMap("owner")));
  Settle();
  EXPECT_FALSE(Exists("child"));
  EXPECT_FALSE(Exists("grandchild"));
  EXPECT_TRUE(Exists("stranger"));
}

TEST_F(ControllerLoop, ADependentOfTwoOwnersStaysWithTheOther) {
  const ObjectPtr one = Create(ConfigMap("one")), two = Create(ConfigMap("two"));
  Create(OwnedBy(ConfigMap("child"), {one, two}));
  ASSERT_TRUE(Delete(ConfigMap("one")));
  Settle();
  const Json child = Get("v1", "ConfigMap", "a", "child");
  ASSERT_EQ(child["metadata"]["ownerReferences"].size(), 1u);
  EXPECT_EQ(child["metadata"]["ownerReferences"][0]["uid"].AsString(), two->uid);
}

TEST_F(ControllerLoop, ADependentBornTooLateGoesToo) {
  const ObjectPtr owner = Create(ConfigMap("owner"));
  ASSERT_TRUE(Delete(ConfigMap("owner")));
  Create(OwnedBy(ConfigMap("child"), {owner}));
  Settle();
  EXPECT_FALSE(Exists("child"));
}

TEST_F(ControllerLoop, ForegroundKeepsTheOwnerUntilItsDependentsAreGone) {
  const ObjectPtr owner = Create(ConfigMap("owner"));
  Json child = OwnedBy(ConfigMap("child"), {owner}, true);
  child["metadata"].Set("finalizers", Json::Arr({"example.com/keep"}));
  Create(child);
  ASSERT_TRUE(Delete(ConfigMap("owner"), {.uid = "", .version = "", .propagation = "Foreground"}));
  Settle();
  EXPECT_TRUE(Exists("owner"));
  EXPECT_FALSE(Get("v1", "ConfigMap", "a", "child")["metadata"]["deletionTimestamp"].is_null());
  Release("child");
  Settle();
  EXPECT_FALSE(Exists("child"));
  EXPECT_FALSE(Exists("owner"));
}

TEST_F(ControllerLoop, OrphanLeavesTheDependents) {
  const ObjectPtr owner = Create(ConfigMap("owner"));
  Create(OwnedBy(ConfigMap("child"), {owner}));
  ASSERT_TRUE(Delete(ConfigMap("owner"), {.uid = "", .version = "", .propagation = "Orphan"}));
  Settle();
  EXPECT_FALSE(Exists("owner"));
  ASSERT_TRUE(Exists("child"));
  EXPECT_FALSE(Get("v1", "ConfigMap", "a", "child")["metadata"].Has("ownerReferences"));
}

TEST_F(ControllerLoop, ANamespaceHasItsAccountAndGoesWithItsContent) {
  Settle();
  EXPECT_NE(store.Get("serviceaccounts", "a", "default"), nullptr);
  Create(ConfigMap("x"));
  ASSERT_TRUE(Delete(J(kNamespaceA)));
  Settle();
  EXPECT_EQ(store.Get("namespaces", "", "a"), nullptr);
  EXPECT_TRUE(store.InNamespace("a").empty());
}

TEST_F(ControllerLoop, ATerminatingNamespaceTakesNothingNewAndSaysWhatItWaitsFor) {
  Json held = ConfigMap("held");
  held["metadata"].Set("finalizers", Json::Arr({"example.com/keep"}));
  Create(held);
  auto deleted = Delete(J(kNamespaceA));
  ASSERT_TRUE(deleted);
  EXPECT_EQ(deleted->object->Parse()["status"]["phase"].AsString(), "Terminating");
  Settle();
  auto late = TryCreate(ConfigMap("late"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, 403);
  EXPECT_EQ(late.error().message,
            "configmaps \"late\" is forbidden: unable to create new content in namespace a because "
            "it is being terminated");
  EXPECT_EQ(late.error().details["causes"][0]["reason"].AsString(), "NamespaceTerminating");
  const Json conditions = Get("v1", "Namespace", "", "a").At("/status/conditions");
  ASSERT_EQ(conditions.items().size(), 5U);
  EXPECT_EQ(conditions[3]["message"].AsString(),
            "Some resources are remaining: configmaps. has 1 resource instances");
  EXPECT_EQ(conditions[4]["message"].AsString(),
            "Some content in the namespace has finalizers remaining: example.com/keep in 1 "
            "resource instances");
  Release("held");
  Settle();
  EXPECT_EQ(store.Get("namespaces", "", "a"), nullptr);
}

}  // namespace
}  // namespace slipway::sim
