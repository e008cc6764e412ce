#include "devcluster/patch.h"

#include "devcluster/test_cluster.h"

namespace slipway::sim {
namespace {

class Patches : public TestCluster {
 protected:
  Json Strategic(const std::string& kind, const std::string& object, const std::string& patch) {
    return ApplyStrategicPatch(J(object), J(patch), TypeView::Of(KindOf("v1", kind)));
  }

  static Answer<Json> JsonPatch(const std::string& object, const std::string& patch) {
    return ApplyJsonPatch(J(object), J(patch));
  }
};

TEST_F(Patches, JsonPatchKnowsItsSixOperations) {
  auto done = JsonPatch(
      R"({"a":[1,2],"b":{"c":1},"x/y":1})",
      R"([{"op":"test","path":"/b/c","value":1},{"op":"add","path":"/a/1","value":9},{"op":"add","path":"/a/-","value":8},
        {"op":"remove","path":"/a/0"},{"op":"replace","path":"/b/c","value":2},{"op":"copy","from":"/b","path":"/d"},
        {"op":"move","from":"/x~1y","path":"/z"}])");
  ASSERT_TRUE(done);
  EXPECT_EQ(*done, J(R"({"a":[9,2,8],"b":{"c":2},"d":{"c":2},"z":1})"));
}

TEST_F(Patches, JsonPatchThatDoesNotFitIsRefusedWhole) {
  for (const char* patch :
       {R"([{"op":"remove","path":"/none"}])", R"([{"op":"replace","path":"/l/0","value":1}])",
        R"([{"op":"test","path":"/a","value":2}])", R"([{"op":"add","path":"/none/x","value":1}])",
        R"([{"op":"add","path":"/l/5","value":1}])", R"([{"op":"frob","path":"/a"}])"}) {
    auto done = JsonPatch(R"({"a":1,"l":[]})", patch);
    ASSERT_FALSE(done) << patch;
    EXPECT_EQ(done.error().code, 422);
  }
  EXPECT_EQ(JsonPatch("{}", "{}").error().code, 400);
}

TEST_F(Patches, StrategicMergesContainersByName) {
  const Json pod = Strategic(
      "Pod",
      R"({"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"}]},{"name":"b"}],"tolerations":[{"key":"k"}]}})",
      R"({"spec":{"containers":[{"name":"a","image":"2","env":[{"name":"Y","value":"2"}]},{"$patch":"delete","name":"b"}],
                                "tolerations":[{"key":"n"}]}})");
  EXPECT_EQ(
      pod,
      J(R"({"spec":{"containers":[{"name":"a","image":"2","env":[{"name":"Y","value":"2"},{"name":"X","value":"1"}]}],
                      "tolerations":[{"key":"n"}]}})"));
}

TEST_F(Patches, StrategicKnowsDirectives) {
  EXPECT_EQ(
      Strategic("Pod", R"({"metadata":{"finalizers":["a","b"]}})",
                R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a"],"finalizers":["c"]}})"),
      J(R"({"metadata":{"finalizers":["c","b"]}})"));
  EXPECT_EQ(
      Strategic(
          "Pod", R"({"spec":{"volumes":[{"name":"a"},{"name":"b"}]}})",
          R"({"spec":{"$setElementOrder/volumes":[{"name":"b"},{"name":"a"}],"volumes":[{"name":"b","emptyDir":{}}]}})"),
      J(R"({"spec":{"volumes":[{"name":"b","emptyDir":{}},{"name":"a"}]}})"));
  EXPECT_EQ(Strategic("ConfigMap", R"({"data":{"a":"1","b":"2"}})",
                      R"({"data":{"$patch":"replace","c":"3"}})"),
            J(R"({"data":{"c":"3"}})"));
  EXPECT_EQ(Strategic("ConfigMap", R"({"data":{"a":"1","b":"2"}})", R"({"data":{"a":null}})"),
            J(R"({"data":{"b":"2"}})"));
}

TEST_F(Patches, StrategicIsNotForCustomResources) {
  Create(J(kWidgets));
  Create(Widget("w", R"({"size":1})"));
  auto done = api.Patch(KindOf("example.com/v1", "Widget"), "a", "w", PatchKind::kStrategic,
                        J(R"({"spec":{"size":2}})"), {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, 415);
}

TEST_F(Patches, WithAVersionAreConditional) {
  const uint64_t version = Create(ConfigMap("x"))->version;
  const Kind& kind = KindOf("v1", "ConfigMap");
  const std::string patch =
      R"({"metadata":{"resourceVersion":")" + std::to_string(version) + R"("},"data":{"k":"1"}})";
  ASSERT_TRUE(api.Patch(kind, "a", "x", PatchKind::kMerge, J(patch), {}));
  EXPECT_EQ(api.Patch(kind, "a", "x", PatchKind::kMerge, J(patch), {}).error().code, 409);
  EXPECT_TRUE(api.Patch(kind, "a", "x", PatchKind::kMerge, J(R"({"data":{"k":"2"}})"), {}));
}

TEST_F(Patches, WithoutEffectWriteNothing) {
  const uint64_t version = Create(ConfigMap("x", R"({"k":"1"})"))->version;
  auto same = api.Patch(KindOf("v1", "ConfigMap"), "a", "x", PatchKind::kMerge,
                        J(R"({"data":{"k":"1"}})"), {});
  ASSERT_TRUE(same);
  EXPECT_EQ(same->object->version, version);
}

}  // namespace
}  // namespace slipway::sim
