#include <set>

#include "devcluster/cnpg/status_sequence.h"
#include "devcluster/cnpg/test_fixture.h"

// Compares the writes of the behaviour with recordings of operator 1.30.0.
namespace slipway::sim::operators::cnpg {
namespace {

class TimelineTest : public OperatorTest {
 protected:
  void SetUp() override {
    recordings = RecordingsDir();
    if (recordings.empty()) GTEST_SKIP() << "no recordings: set SLIPWAY_SHARED";
  }

  Json Recording(const std::string& file) {
    auto json = Json::Parse(FileText(recordings + "/observed/" + file));
    EXPECT_TRUE(json) << file;
    return json ? *json : Json();
  }

  void ApplySample(const std::string& file, const std::string& cluster) {
    auto documents = ParseYaml(FileText(recordings + "/samples/" + file));
    ASSERT_TRUE(documents);
    ref = {"postgresql.cnpg.io/v1", "Cluster", "tenant-a", cluster};
    for (YamlDocument& document : *documents) {
      Json& object = document.value;
      const std::string kind = object["kind"].AsString();
      if (kind != "Secret" && kind != "ObjectStore" && kind != "Cluster") continue;
      for (const auto& [key, value] : object["stringData"].members())
        object["data"].Set(key, Base64Encode(value.AsString()));
      object.Erase("stringData");
      ASSERT_TRUE(fake.Create(object));
    }
  }

  Sequence Written() {
    Sequence out;
    for (const FakeCluster::Change& change : fake.Changes())
      if (change.object["kind"].AsString() == "Cluster") out.AddStatus(change.object["status"]);
    return out;
  }

  void CompareWith(const std::string& file) {
    ExpectSame(RecordedSequence(Recording(file)), Written());
  }

  // Compares the metadata, the keys of the data and some fields of the recorded objects.
  void CompareObjects(const std::string& file) {
    const std::vector<FakeCluster::Change> changes = fake.Changes();
    const Json recording = Recording(file);
    for (const Json& want : recording["items"].items()) {
      const std::string label = want["kind"].AsString() + "/" + NameOf(want);
      const auto have =
          std::find_if(changes.begin(), changes.end(), [&](const FakeCluster::Change& change) {
            return change.verb == "ADDED" && RefOf(change.object) == RefOf(want);
          });
      ASSERT_NE(have, changes.end()) << label << " is missing";
      EXPECT_EQ(have->object["metadata"]["labels"], want["metadata"]["labels"])
          << label << have->object["metadata"]["labels"].Dump();
      EXPECT_EQ(have->object["metadata"]["annotations"], want["metadata"]["annotations"]) << label;
      Json owner = have->object["metadata"]["ownerReferences"][0],
           expected = want["metadata"]["ownerReferences"][0];
      expected.Set("uid", owner["uid"]);
      EXPECT_EQ(owner, expected) << label;
      for (const char* key : {"type", "rules", "roleRef", "subjects"})
        EXPECT_EQ(have->object[key], want[key]) << label << " " << key;
      std::set<std::string> keys, wanted;
      for (const auto& [key, value] : have->object["data"].members()) keys.insert(key);
      for (const auto& [key, value] : want["data"].members()) wanted.insert(key);
      EXPECT_EQ(keys, wanted) << label;
      if (want["kind"].AsString() == "Job") continue;
      for (const char* pointer : {"/spec/selector", "/spec/ports", "/spec/minAvailable",
                                  "/spec/resources", "/spec/accessModes"})
        EXPECT_EQ(have->object.At(pointer), want.At(pointer)) << label << pointer;
    }
  }

  std::string recordings;
};

TEST_F(TimelineTest, OneInstanceWritesTheRecordedStatuses) {
  ApplySample("free.yaml", "pg-free");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
  CompareWith("04-free-create-timeline.json");
}

TEST_F(TimelineTest, ThreeInstancesWriteTheRecordedStatuses) {
  ApplySample("standard.yaml", "pg-standard");
  ASSERT_TRUE(fake.Create(*Json::Parse(R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Pooler",
    "metadata":{"name":"pg-standard-pooler-rw","namespace":"tenant-a"},"spec":{"cluster":{"name":"pg-standard"}}})")));
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
  CompareWith("05-standard-create-timeline.json");
}

TEST_F(TimelineTest, CreatesTheRecordedObjects) {
  ApplySample("free.yaml", "pg-free");
  ApplySample("standard.yaml", "pg-standard");
  ASSERT_TRUE(fake.Create(*Json::Parse(R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Pooler",
    "metadata":{"name":"pg-standard-pooler-rw","namespace":"tenant-a"},"spec":{"cluster":{"name":"pg-standard"}}})")));
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Healthy(3); }));
  CompareObjects("02-free-objects.json");
  CompareObjects("03-standard-objects.json");
}

TEST_F(TimelineTest, GeneratesSecretsWhenTheUserGivesNone) {
  Json cluster = *Json::Parse(
      R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"pg-min","namespace":"tenant-b"},
    "spec":{"instances":1,"storage":{"size":"1Gi"},"enableSuperuserAccess":true}})");
  ref = RefOf(cluster);
  ASSERT_TRUE(fake.Create(cluster));
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Healthy(1); }));
  CompareObjects("15-minimal-secrets.json");
  auto password = Base64Decode(
      (*fake.Get({"v1", "Secret", "tenant-b", "pg-min-app"}))["data"]["password"].AsString());
  ASSERT_TRUE(password);
  EXPECT_EQ(password->size(), 64U);
}

}  // namespace
}  // namespace slipway::sim::operators::cnpg
