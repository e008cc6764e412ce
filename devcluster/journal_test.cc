#include "devcluster/journal.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/yaml.h"
#include "devcluster/test_cluster.h"

namespace slipway::sim {
namespace {

class State : public testing::Test {
 protected:
  State() {
    char name[] = "/tmp/slipway-state-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    directory = name;
    path = directory + "/state";
  }

  ~State() override { std::filesystem::remove_all(directory); }

  struct Life {
    explicit Life(const std::string& path)
        : journal(path), store(&journal, 100), api(store, kinds, clock, false) {
      opened = journal.Open(store);
      if (opened) api.RegisterStored();
    }

    uint64_t Create(const char* text) {
      const Json object = *Json::Parse(text);
      const KindPtr kind = kinds.ByKind(object["apiVersion"].AsString(), object["kind"].AsString());
      auto made = api.Create(*kind, object["metadata"]["namespace"].AsString(), object, {});
      EXPECT_TRUE(made) << (made ? "" : made.error().message);
      return made ? made->object->version : 0;
    }

    ManualClock clock;
    Journal journal;
    ObjectStore store;
    KindRegistry kinds;
    Api api;
    Result<void> opened;
  };

  static constexpr char kNamespace[] =
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}})";
  static constexpr char kConfig[] =
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"a"},"data":{"k":"v"}})";
  static constexpr char kDefinition[] =
      R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
    "metadata":{"name":"things.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"kind":"Thing","plural":"things"},
    "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}})";

  std::string directory, path;
};

TEST_F(State, IsThereAgainAfterARestart) {
  uint64_t version = 0;
  std::string text;
  {
    Life life(path);
    ASSERT_TRUE(life.opened);
    life.Create(kNamespace);
    life.Create(kDefinition);
    life.Create(
        R"({"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t","namespace":"a"}})");
    version = life.Create(kConfig);
    text = life.store.Get("configmaps", "a", "x")->text;
  }
  Life life(path);
  ASSERT_TRUE(life.opened);
  EXPECT_EQ(life.store.version(), version);
  ASSERT_NE(life.store.Get("configmaps", "a", "x"), nullptr);
  EXPECT_EQ(life.store.Get("configmaps", "a", "x")->text, text);
  EXPECT_NE(life.kinds.ByKind("example.com/v1", "Thing"), nullptr)
      << "definitions are served again";
  EXPECT_NE(life.store.Get("example.com/things", "a", "t"), nullptr);
  std::vector<StoreEvent> events;
  uint64_t oldest = 0;
  EXPECT_FALSE(life.store.EventsAfter("configmaps", version - 1, 10, events, oldest))
      << "history is not kept: 410";
  EXPECT_TRUE(life.store.EventsAfter("configmaps", version, 10, events, oldest));
}

TEST_F(State, ForgetsWhatWasDeletedAndKeepsCounting) {
  uint64_t version = 0;
  {
    Life life(path);
    life.Create(kNamespace);
    life.Create(kConfig);
    ASSERT_TRUE(life.api.Delete(*life.kinds.ByKind("v1", "ConfigMap"), "a", "x", {}));
    version = life.store.version();
  }
  Life life(path);
  EXPECT_EQ(life.store.Get("configmaps", "a", "x"), nullptr);
  EXPECT_EQ(life.Create(kConfig), version + 1);
}

TEST_F(State, SurvivesATornLastLine) {
  {
    Life life(path);
    life.Create(kNamespace);
  }
  std::ofstream(path, std::ios::app) << R"({"v":99,"put":"configmaps","object":{"apiVer)";
  Life life(path);
  ASSERT_TRUE(life.opened);
  EXPECT_NE(life.store.Get("namespaces", "", "a"), nullptr);
}

TEST_F(State, OfSomethingElseIsNotTouched) {
  std::ofstream(path) << "name: not ours\n";
  Life life(path);
  ASSERT_FALSE(life.opened);
  EXPECT_NE(life.opened.error().message.find(path + ":1"), std::string::npos);
  EXPECT_EQ(*ReadFile(path), "name: not ours\n");
}

TEST_F(State, IsCompactedAtTheStart) {
  {
    Life life(path);
    life.Create(kNamespace);
    life.Create(kConfig);
    const KindPtr kind = life.kinds.ByKind("v1", "ConfigMap");
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(life.api.Patch(*kind, "a", "x", PatchKind::kMerge,
                                 Json::Obj({{"data", Json::Obj({{"k", std::to_string(i)}})}}), {}));
  }
  const auto before = std::filesystem::file_size(path);
  Life life(path);
  EXPECT_LT(std::filesystem::file_size(path), before / 4);
  EXPECT_EQ(life.store.Get("configmaps", "a", "x")->Parse()["data"]["k"].AsString(), "19");
}

}  // namespace
}  // namespace slipway::sim
