#include "devcluster/mongodb/instance_spec.h"
#include "devcluster/operators/dev_cluster_fixture.h"

namespace slipway::sim::operators::mongodb {
namespace {

class MongodbInDevCluster : public DevClusterTest {
 protected:
  MongodbInDevCluster() : DevClusterTest("mongodb", "tenant-acme", kGroup, kKind, "mdb-standard") {}

  bool Running() {
    const Json instance = Instance();
    auto last = Json::Parse(AnnotationOf(instance, kLastSuccessful));
    return instance["status"]["phase"].AsString() == "Running" && last && *last == instance["spec"];
  }

  size_t Count(const char* version, const char* of) { return List(version, of).size(); }
};

TEST_F(MongodbInDevCluster, RunsScalesUpgradesAndLeaves) {
  ApplySample("standard.yaml");
  ASSERT_TRUE(Eventually([&] { return Running(); }));
  // The fields that the server fills in do not count as a change by the operator.
  EXPECT_EQ(Get("apps/v1", "StatefulSet", name)["metadata"]["generation"].AsInt(), 1);
  Patch(Json::Obj({{"members", 5}}));
  ASSERT_TRUE(Eventually([&] { return Running(); }));
  EXPECT_EQ(Instance()["status"]["currentMongoDBMembers"].AsInt(), 5);
  Patch(Json::Obj({{"members", 3}}));
  ASSERT_TRUE(Eventually([&] { return Running(); }));
  Patch(Json::Obj({{"version", "8.0.32"}}));
  ASSERT_TRUE(Eventually([&] { return Running(); }));
  EXPECT_EQ(Instance()["status"]["version"].AsString(), "8.0.32");
  ASSERT_TRUE(client->Delete({kGroup, kKind, ns, name}, {}));
  ASSERT_TRUE(Eventually([&] {
    return Count("v1", "Pod") == 0 && Count("apps/v1", "StatefulSet") == 0 &&
           Count("v1", "Service") == 0;
  }));
  EXPECT_EQ(Count("v1", "PersistentVolumeClaim"), 10U);
  EXPECT_EQ(Get("v1", "Secret", name + "-config"), Json());
  EXPECT_TRUE(Get("v1", "Secret", name + "-dbadmin-password").is_object());
}

TEST_F(MongodbInDevCluster, AnotherStorageSizeNeedsBothSetsMadeAgain) {
  name = "mdb-free";
  ApplySample("free.yaml");
  ASSERT_TRUE(Eventually([&] { return Running(); }));
  const std::string pod = UidOf(Get("v1", "Pod", "mdb-free-0"));
  Json templates = Instance().At("/spec/statefulSet/spec/volumeClaimTemplates");
  for (Json& claim : templates.items()) claim.SetAt("/spec/resources/requests/storage", "6Gi");
  Json patch = Json::MakeObject();
  patch.SetAt("/statefulSet/spec/volumeClaimTemplates", templates);
  Patch(patch);
  ASSERT_TRUE(Eventually([&] { return Instance()["status"]["phase"].AsString() == "Failed"; }));
  kube::DeleteOptions orphan;
  orphan.propagation = "Orphan";
  for (const char* set : {"mdb-free", "mdb-free-arb"})
    ASSERT_TRUE(client->Delete({"apps/v1", "StatefulSet", ns, set}, orphan));
  ASSERT_TRUE(Eventually([&] { return Running(); }));
  EXPECT_EQ(UidOf(Get("v1", "Pod", "mdb-free-0")), pod);
  EXPECT_TRUE(Eventually([&] {
    return Get("apps/v1", "StatefulSet", "mdb-free-arb")
               .At("/spec/volumeClaimTemplates/0/spec/resources/requests/storage") == Json("6Gi");
  }));
}

}  // namespace
}  // namespace slipway::sim::operators::mongodb
