#include "devcluster/test_cluster.h"

namespace slipway::sim {
namespace {

class Store : public TestCluster {
 protected:
  explicit Store(size_t window = 100) : TestCluster(window) {}

  ObjectStore::Outcome Put(const std::string& name, uint64_t expected,
                           const std::string& data = "{}") {
    ObjectPtr stored;
    return store.Put("configmaps", MakeObject(KindOf("v1", "ConfigMap"), ConfigMap(name, data)),
                     expected, stored);
  }
};

TEST_F(Store, CountsVersionsOverAllCollections) {
  const uint64_t start = store.version();
  const ObjectPtr first = Create(ConfigMap("x"));
  const ObjectPtr second =
      Create(J(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"y","namespace":"a"}})"));
  EXPECT_EQ(first->version, start + 1);
  EXPECT_EQ(second->version, start + 2);
  EXPECT_EQ(first->Parse()["metadata"]["resourceVersion"].AsString(), std::to_string(start + 1));
}

TEST_F(Store, RefusesAStaleVersion) {
  const uint64_t version = Create(ConfigMap("x"))->version;
  EXPECT_EQ(Put("x", 0), ObjectStore::Outcome::kExists);
  EXPECT_EQ(Put("x", version, R"({"k":"1"})"), ObjectStore::Outcome::kStored);
  EXPECT_EQ(Put("x", version, R"({"k":"2"})"), ObjectStore::Outcome::kChanged);
  EXPECT_EQ(Put("gone", version), ObjectStore::Outcome::kAbsent);
}

TEST_F(Store, AnAnnotationNamedLikeTheVersionIsLeftAlone) {
  Json object = ConfigMap("x");
  object["metadata"].Set("annotations", Json::Obj({{"resourceVersion", "mine"}}));
  const Json stored = Create(object)->Parse();
  EXPECT_EQ(stored["metadata"]["annotations"]["resourceVersion"].AsString(), "mine");
  EXPECT_EQ(stored["metadata"]["resourceVersion"].AsString(), std::to_string(store.version()));
}

TEST_F(Store, ListsANamespaceInPages) {
  for (const char* name : {"c", "a", "d", "b"}) Create(ConfigMap(name));
  Create(J(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a-b"}})"));
  Json other = ConfigMap("z");
  other["metadata"].Set("namespace", "a-b");
  Create(other);
  const ObjectStore::Page first = store.List("configmaps", "a", "", 3);
  ASSERT_EQ(first.items.size(), 3u);
  EXPECT_EQ(first.items[0]->name, "a");
  EXPECT_EQ(first.remaining, 1u);
  const ObjectStore::Page second = store.List("configmaps", "a", first.next, 3);
  ASSERT_EQ(second.items.size(), 1u);
  EXPECT_EQ(second.items[0]->name, "d");
  EXPECT_EQ(second.next, "");
  EXPECT_EQ(store.List("configmaps", "", "", 0).items.size(), 5u);
}

TEST_F(Store, GivesEventsInOrderWithTheirBefore) {
  const uint64_t start = store.version();
  const uint64_t version = Create(ConfigMap("x"))->version;
  Put("x", version, R"({"k":"1"})");
  ObjectPtr removed;
  store.Remove({"configmaps", "a", "x"}, 0, removed);
  std::vector<StoreEvent> events;
  uint64_t oldest = 0;
  ASSERT_TRUE(store.EventsAfter("configmaps", start, 10, events, oldest));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].type, EventType::kAdded);
  EXPECT_EQ(events[1].type, EventType::kModified);
  EXPECT_EQ(events[1].previous->version, version);
  EXPECT_EQ(events[2].type, EventType::kDeleted);
  EXPECT_EQ(events[2].object->version, start + 3);
  EXPECT_EQ(events[2].object->Parse()["metadata"]["resourceVersion"].AsString(),
            std::to_string(start + 3));
}

class SmallWindow : public Store {
 protected:
  SmallWindow() : Store(2) {}
};

TEST_F(SmallWindow, ForgetsOldEvents) {
  const uint64_t start = store.version();
  uint64_t version = Create(ConfigMap("x"))->version;
  for (int i = 0; i < 3; ++i, ++version) Put("x", version, R"({"k":")" + std::to_string(i) + "\"}");
  std::vector<StoreEvent> events;
  uint64_t oldest = 0;
  EXPECT_FALSE(store.EventsAfter("configmaps", start, 10, events, oldest));
  EXPECT_EQ(oldest, start + 2);
  EXPECT_TRUE(store.EventsAfter("configmaps", oldest, 10, events, oldest));
  EXPECT_EQ(events.size(), 2u);
  EXPECT_TRUE(store.EventsAfter("secrets", 0, 10, events, oldest))
      << "another collection forgets nothing";
}

TEST_F(Store, FindsDependentsByTheirOwner) {
  const ObjectPtr owner = Create(ConfigMap("owner"));
  Json child = ConfigMap("child");
  child["metadata"].Set(
      "ownerReferences",
      Json::Arr({Json::Obj(
          {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"name", "owner"}, {"uid", owner->uid}})}));
  Create(child);
  ASSERT_EQ(store.Dependents(owner->uid).size(), 1u);
  EXPECT_EQ(store.Dependents(owner->uid)[0].name, "child");
  ASSERT_TRUE(Delete(child));
  EXPECT_TRUE(store.Dependents(owner->uid).empty());
}

}  // namespace
}  // namespace slipway::sim
