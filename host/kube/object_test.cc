#include <gtest/gtest.h>

#include "kube/discovery.h"
#include "kube/object_decode.h"
#include "kube/object_store.h"
#include "kube/paths.h"

namespace slipway::kube {
namespace {

using Change = Informer::Change;

constexpr const char* kCluster =
    R"({"apiVersion":"db.example.org/v1","kind":"Cluster","metadata":{"name":"db","namespace":"acme",
  "uid":"u","resourceVersion":"7","generation":2,"labels":{"slipway.dev/instance":"ins_1"},"selfLink":"x",
  "managedFields":[{"manager":"slipway"}]},"spec":{"instances":3,"big":"x"},"status":{"phase":"ok","deep":{"a":1,"b":2}}})";

InformerSpec Spec(std::vector<std::string> keep = {}) {
  return {"db.example.org/v1", "Cluster", "", "", "slipway.dev/instance", std::move(keep)};
}

Informer::ObjectPtr Decode(const InformerSpec& spec) {
  return ObjectDecoder(spec).Prune(*Json::Parse(kCluster));
}

TEST(ObjectDecoder, DropsManagedFieldsAndKeepsTheRest) {
  const auto object = Decode(Spec());
  EXPECT_EQ(object->ref.ToString(), "Cluster acme/db");
  EXPECT_EQ(object->uid, "u");
  EXPECT_EQ(object->resource_version, "7");
  EXPECT_EQ(object->index, "ins_1");
  Json expected = *Json::Parse(kCluster);
  expected.EraseAt("/metadata/managedFields");
  EXPECT_EQ(object->Parse(), expected);
}

TEST(ObjectDecoder, KeepsOnlyWhatIsNamed) {
  const Json kept =
      Decode(Spec({"/status/deep/a", "/spec/instances", "/spec/absent", "/metadata/selfLink"}))
          ->Parse();
  EXPECT_EQ(
      kept,
      *Json::Parse(
          R"({"apiVersion":"db.example.org/v1","kind":"Cluster","metadata":{"name":"db","namespace":"acme",
    "uid":"u","resourceVersion":"7","generation":2,"labels":{"slipway.dev/instance":"ins_1"},"selfLink":"x"},
    "spec":{"instances":3},"status":{"deep":{"a":1}}})"));
}

TEST(ObjectDecoder, APointerInsideAnotherAddsNothing) {
  const Json kept = Decode(Spec({"/status/deep", "/status"}))->Parse();
  EXPECT_EQ(kept["status"], (*Json::Parse(kCluster))["status"]);
}

TEST(ObjectDecoder, NamesTheKindOfListItems) {
  const auto page = ObjectDecoder(Spec()).Page(
      R"({"metadata":{"resourceVersion":"9","continue":"c"},"items":[{"metadata":{"name":"a"}}]})");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->resource_version, "9");
  EXPECT_EQ(page->next_page, "c");
  EXPECT_EQ(page->objects.at(0)->Parse()["kind"].AsString(), "Cluster");
  EXPECT_TRUE(ObjectDecoder(Spec()).Page(R"({"metadata":{"resourceVersion":"9"},"items":null})"));
  EXPECT_FALSE(ObjectDecoder(Spec()).Page(R"({"items":[]})"));
}

TEST(ObjectDecoder, ReadsEveryKindOfLine) {
  const ObjectDecoder decoder(Spec());
  const auto line = [](const std::string& type, const std::string& object) {
    return R"({"type":")" + type + R"(","object":)" + object + "}";
  };
  EXPECT_EQ(decoder.Line(line("ADDED", kCluster))->type, WatchEvent::Type::kChanged);
  EXPECT_EQ(decoder.Line(line("DELETED", kCluster))->type, WatchEvent::Type::kDeleted);
  const auto bookmark =
      decoder.Line(line("BOOKMARK", R"({"kind":"Cluster","metadata":{"resourceVersion":"99"}})"));
  EXPECT_EQ(bookmark->type, WatchEvent::Type::kBookmark);
  EXPECT_EQ(bookmark->resource_version, "99");
  const auto error = decoder.Line(line(
      "ERROR",
      R"({"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410})"));
  EXPECT_EQ(error->type, WatchEvent::Type::kError);
  EXPECT_EQ(error->error.code, Code::kGone);
  EXPECT_FALSE(decoder.Line(R"({"type":"ADDED","obj)"));
  EXPECT_FALSE(decoder.Line(R"({"type":"WHAT","object":{}})"));
  EXPECT_FALSE(decoder.Line(line("ADDED", "{}")));
}

Informer::ObjectPtr Make(const std::string& name, const std::string& rv,
                         const std::string& index = "", const std::string& uid = "u") {
  auto object = std::make_shared<CachedObject>();
  object->ref = {"v1", "ConfigMap", "ns", name};
  object->resource_version = rv;
  object->index = index;
  object->uid = uid;
  object->text = "0123456789";
  return object;
}

std::string Show(const std::vector<ObjectStore::Delta>& deltas) {
  std::string out;
  for (const auto& [change, object] : deltas) {
    out += (change == Change::kAdded      ? "+"
            : change == Change::kModified ? "~"
                                          : "-") +
           object->ref.name + object->resource_version + " ";
  }
  return out;
}

TEST(ObjectStore, TellsOnlyWhatChanged) {
  ObjectStore store;
  std::vector<ObjectStore::Delta> deltas;
  store.Put(Make("a", "1"), deltas);
  store.Put(Make("a", "1"), deltas);
  store.Put(Make("a", "2"), deltas);
  store.Put(Make("a", "3", "", "other uid"), deltas);
  store.Remove(Make("a", "4"), deltas);
  store.Remove(Make("a", "4"), deltas);
  EXPECT_EQ(Show(deltas), "+a1 ~a2 -a2 +a3 -a4 ");
  EXPECT_EQ(store.bytes(), 0u);
  EXPECT_EQ(store.Get("ns", "a"), nullptr);
}

TEST(ObjectStore, ReplacingDeletesWhatIsNotThere) {
  ObjectStore store;
  std::vector<ObjectStore::Delta> deltas;
  store.Replace({Make("a", "1"), Make("b", "1")}, deltas);
  deltas.clear();
  store.Replace({Make("b", "1"), Make("c", "2")}, deltas);
  EXPECT_EQ(Show(deltas), "-a1 +c2 ");
  EXPECT_EQ(store.All().size(), 2u);
  EXPECT_EQ(store.bytes(), 20u);
}

TEST(ObjectStore, FindsByIndexEvenWhenTheLabelMoves) {
  ObjectStore store;
  std::vector<ObjectStore::Delta> deltas;
  store.Put(Make("b", "1", "x"), deltas);
  store.Put(Make("a", "1", "x"), deltas);
  ASSERT_EQ(store.ByIndex("x").size(), 2u);
  EXPECT_EQ(store.ByIndex("x")[0]->ref.name, "a");
  store.Put(Make("a", "2", "y"), deltas);
  EXPECT_EQ(store.ByIndex("x").size(), 1u);
  EXPECT_EQ(store.ByIndex("y").size(), 1u);
  EXPECT_TRUE(store.ByIndex("z").empty());
}

TEST(Paths, EscapeWhatAUrlCannotCarry) {
  const Resource cluster{"db.example.org/v1", "Cluster", "clusters", true};
  EXPECT_EQ(CollectionPath(cluster, ""), "/apis/db.example.org/v1/clusters");
  EXPECT_EQ(ObjectPath(cluster, "a/b", "x:1", "status"),
            "/apis/db.example.org/v1/namespaces/a%2Fb/clusters/x%3A1/status");
  EXPECT_EQ(Query("/p").Add("a", "").Add("b", "k in (x, y)").Add("c", "1").Take(),
            "/p?b=k%20in%20%28x%2C%20y%29&c=1");
}

TEST(DiscoveryCache, IsFreshForASecondAndSkipsSubresources) {
  DiscoveryCache cache;
  EXPECT_TRUE(cache.Look("v1", "Pod", 0).ask);
  cache.Store(
      "v1",
      *Json::Parse(
          R"({"resources":[{"name":"pods/log","kind":"Pod"},{"name":"pods","kind":"Pod","namespaced":true}]})"),
      1000);
  EXPECT_FALSE(cache.Look("v1", "Nope", 1999).ask);
  EXPECT_TRUE(cache.Look("v1", "Nope", 2000).ask);
  EXPECT_FALSE(cache.Look("v1", "Pod", 2000).ask);
  EXPECT_EQ(cache.Find("v1", "Pod")->plural, "pods");
  EXPECT_EQ(cache.Find("v1", "Nope").error().reason, "KindNotFound");
  cache.Forget("v1");
  EXPECT_FALSE(cache.Find("v1", "Pod"));
}

}  // namespace
}  // namespace slipway::kube
