#include "devcluster/operators/dev_cluster_fixture.h"
#include "devcluster/vitess/cluster_spec.h"

namespace slipway::sim::operators::vitess {
namespace {

class VitessInDevCluster : public DevClusterTest {
 protected:
  VitessInDevCluster() : DevClusterTest("vitess", "tenant-a", kGroup, kKind, "db-standard") {}

  void SetUp() override {
    DevClusterTest::SetUp();
    if (client == nullptr) return;
    Create(*Json::Parse(
        R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"vitess-backup-storage","namespace":"tenant-a"}})"));
  }

  bool Healthy(int64_t tablets) {
    const Json object = Instance();
    const Json& status = object["status"];
    bool masters = true;
    for (const Json& shard : List(kGroup, "VitessShard"))
      masters &= shard.At("/status/hasMaster").AsString() == "True";
    return masters && status["observedGeneration"] == object["metadata"]["generation"] &&
           status.At("/cells/zone1/gatewayAvailable").AsString() == "True" &&
           status.At("/keyspaces/app/readyTablets").AsInt() == tablets &&
           status.At("/keyspaces/app/tablets").AsInt() == tablets;
  }
};

TEST_F(VitessInDevCluster, RunsScalesAndLeaves) {
  ApplySample("standard.yaml");
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
  // The fields that the server fills in do not count as a change by the operator.
  for (const Json& deployment : List("apps/v1", "Deployment"))
    EXPECT_EQ(deployment["metadata"]["generation"].AsInt(), 1) << NameOf(deployment);
  for (const Json& shard : List(kGroup, "VitessShard"))
    EXPECT_EQ(shard["metadata"]["generation"].AsInt(), 1);
  ASSERT_TRUE(Eventually([&] {
    const auto storages = List(kGroup, "VitessBackupStorage");
    return storages.size() == 1 && storages[0].At("/status/totalBackupCount").AsInt() == 1;
  }));
  ASSERT_TRUE(Eventually([&] {
    const auto schedules = List(kGroup, "VitessBackupSchedule");
    return schedules.size() == 2 && schedules[0].At("/status/nextScheduledTimes").size() == 1;
  }));
  Json keyspaces = Instance().At("/spec/keyspaces");
  Json& pool = keyspaces.items()[0]["partitionings"]
                   .items()[0]["equal"]["shardTemplate"]["tabletPools"]
                   .items()[0];
  pool.Set("replicas", 5);
  Patch(Json::Obj({{"keyspaces", keyspaces}}));
  ASSERT_TRUE(Eventually([&] { return Healthy(5); }));
  ASSERT_TRUE(client->Delete({kGroup, kKind, ns, name}, {}));
  ASSERT_TRUE(Eventually([&] {
    return List("v1", "Pod").empty() && List("apps/v1", "ReplicaSet").empty() &&
           List("v1", "PersistentVolumeClaim").empty() && List(kGroup, "VitessBackup").empty();
  }));
}

TEST_F(VitessInDevCluster, PodsThatEndAreReplaced) {
  name = "db-free";
  ApplySample("free.yaml");
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
  std::string tablet, before;
  for (const Json& pod : List("v1", "Pod")) {
    if (LabelOf(pod, "planetscale.com/component") != "vttablet") continue;
    tablet = NameOf(pod);
    before = UidOf(pod);
  }
  ASSERT_TRUE(client->Delete({"v1", "Pod", ns, tablet}, {}));
  ASSERT_TRUE(Eventually([&] {
    auto pod = client->Get({"v1", "Pod", ns, tablet});
    return pod && UidOf(*pod) != before && Healthy(1);
  }));
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
