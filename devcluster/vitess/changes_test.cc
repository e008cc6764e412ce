#include <map>
#include <set>
#include <thread>

#include "devcluster/vitess/test_fixture.h"

// Changes to the spec of a healthy cluster.
namespace slipway::sim::operators::vitess {
namespace {

class VitessChangesTest : public VitessTest {};

TEST_F(VitessChangesTest, RollsOneTabletAtATimeAndThePrimaryLast) {
  RunCluster(3);
  std::map<std::string, std::string> before;
  for (const char* alias : {kFirst, kSecond, kThird}) before[alias] = UidOfPod(alias);
  const size_t from = fake.Changes().size();
  SetPool(3, R"(,"configOverrides":"max_connections = 100\n")");
  ASSERT_TRUE(Eventually([&] {
    return Healthy(3) && !EventMessage("RollingRestartComplete").empty() &&
           AnnotationOf(PodOf(kFirst), "planetscale.com/mysqld-config-overrides") != "";
  }));
  std::vector<std::string> gone;
  const std::vector<FakeCluster::Change> changes = fake.Changes();
  for (size_t i = from; i < changes.size(); ++i)
    if (changes[i].verb == "DELETED" && changes[i].object["kind"].AsString() == "Pod")
      gone.push_back(UidOf(changes[i].object));
  ASSERT_EQ(gone.size(), 3U);
  EXPECT_EQ(gone[2], before[kFirst]);
  EXPECT_NE(Master(), kFirst);
  EXPECT_FALSE(EventMessage("PlannedReparent").empty());
  bool pending = false;
  for (const Json& status : Statuses("VitessShard", from)) {
    int64_t ready = 0;
    for (const auto& [alias, tablet] : status["tablets"].members()) {
      ready += tablet["ready"].AsString() == "True" ? 1 : 0;
      pending |= tablet.Has("pendingChanges");
    }
    EXPECT_GE(ready, 2);
  }
  EXPECT_TRUE(pending);
  EXPECT_EQ(Shard().At("/status/lowestPodGeneration").AsInt(), 2);
}

TEST_F(VitessChangesTest, APrimaryThatIsToBeDrainedGivesItsRoleAway) {
  RunCluster(2);
  const auto annotate = [&](const Json& started) {
    Json patch = Json::MakeObject();
    patch.SetAt("/metadata/annotations", Json::Obj({{"drain.planetscale.com/started", started}}));
    ASSERT_TRUE(fake.Patch(RefOf(PodOf(kFirst)), kube::PatchType::kMerge, patch, ""));
  };
  annotate("a node goes");
  ASSERT_TRUE(Eventually([&] {
    return Master() == kSecond &&
           AnnotationOf(PodOf(kFirst), "drain.planetscale.com/finished") == "a node goes";
  }));
  annotate(nullptr);
  ASSERT_TRUE(Eventually(
      [&] { return AnnotationOf(PodOf(kFirst), "drain.planetscale.com/acknowledged").empty(); }));
  EXPECT_EQ(Master(), kSecond);
}

TEST_F(VitessChangesTest, ReplacesALonePrimaryAtOnce) {
  RunCluster(1);
  const std::string before = UidOfPod(kFirst);
  SetPool(1, R"(,"configOverrides":"max_connections = 100\n")");
  ASSERT_TRUE(Eventually([&] { return UidOfPod(kFirst) != before && Healthy(1); }));
  EXPECT_EQ(Master(), kFirst);
}

TEST_F(VitessChangesTest, WithTheExternalStrategyAChangeWaitsForARelease) {
  RunCluster(1);
  Patch(R"({"updateStrategy":{"type":"External"}})");
  const std::string before = UidOfPod(kFirst);
  SetPool(1, R"(,"configOverrides":"max_connections = 100\n")");
  ASSERT_TRUE(
      Eventually([&] { return Shard().At("/status/tablets")[kFirst].Has("pendingChanges"); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(UidOfPod(kFirst), before);
  Json patch = Json::MakeObject();
  patch.SetAt("/metadata/annotations", Json::Obj({{"rollout.planetscale.com/released", "now"}}));
  ASSERT_TRUE(fake.Patch(RefOf(PodOf(kFirst)), kube::PatchType::kMerge, patch, ""));
  ASSERT_TRUE(Eventually([&] { return UidOfPod(kFirst) != before && Healthy(1); }));
}

TEST_F(VitessChangesTest, ScalesUpWithoutTouchingTheOthers) {
  RunCluster(3);
  const std::string before = UidOfPod(kSecond);
  SetPool(5);
  ASSERT_TRUE(Eventually([&] { return Healthy(5); }));
  EXPECT_EQ(UidOfPod(kSecond), before);
  EXPECT_EQ(Master(), kFirst);
}

TEST_F(VitessChangesTest, ScalesDownWithAReparentAndTakesTheVolume) {
  RunCluster(3);
  ASSERT_TRUE(fake.Delete(RefOf(PodOf(kFirst)), {}));
  ASSERT_TRUE(Eventually([&] { return Master() == kSecond && Healthy(3); }));
  const size_t from = fake.Changes().size();
  SetPool(1);
  ASSERT_TRUE(Eventually([&] { return Healthy(1) && Count("vttablet") == 1; }));
  EXPECT_EQ(Master(), kFirst);
  EXPECT_EQ(EventMessage("TopoCleanup").rfind("removed unwanted tablet zone1-", 0), 0U);
  std::set<std::string> reasons;
  for (const Json& status : Statuses("VitessShard", from))
    for (const auto& [alias, orphan] : status["orphanedTablets"].members())
      reasons.insert(orphan["reason"].AsString());
  EXPECT_EQ(reasons, (std::set<std::string>{"Draining", "PodExists", "Primary"}));
  int64_t claims = 0;
  for (const Json& claim : All("PersistentVolumeClaim"))
    if (LabelOf(claim, "planetscale.com/component") == "vttablet") ++claims;
  EXPECT_EQ(claims, 1);
}

TEST_F(VitessChangesTest, GrowsVolumes) {
  RunCluster(1);
  Json spec = Object(ref)["spec"];
  const char* storage =
      "/keyspaces/0/partitionings/0/equal/shardTemplate/tabletPools/0/dataVolumeClaimTemplate/"
      "resources/requests/storage";
  spec.SetAt(storage, "8Gi");
  Patch(spec.Dump());
  ASSERT_TRUE(Eventually([&] {
    for (const Json& claim : All("PersistentVolumeClaim"))
      if (claim.At("/status/capacity/storage").AsString() == "8Gi") return Healthy(1);
    return false;
  }));
}

TEST_F(VitessChangesTest, RemovesAKeyspaceThatMayGoAtOnce) {
  RunCluster(1);
  Patch(R"({"keyspaces":null})");
  ASSERT_TRUE(Eventually([&] { return All("VitessShard").empty() && Count("vttablet") == 0; }));
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
