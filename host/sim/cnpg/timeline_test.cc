#include <set>

#include "sim/cnpg/test_fixture.h"

// Compares what the behaviour writes with recordings of operator 1.30.0.
namespace slipway::sim::cnpg {
namespace {

// Conditions as {type: "status/reason"}; the recordings started from a cluster that already had
// Ready False, and their backups failed for want of `pods/exec`.
Json PlainConditions(const Json& conditions) {
  Json out = Json::MakeObject();
  for (const Json& condition : conditions.items()) {
    const std::string& type = condition["type"].AsString();
    const std::string text = condition["status"].AsString() + "/" + condition["reason"].AsString();
    if (type != "LastBackupSucceeded" && text != "False/ClusterIsNotReady") out.Set(type, text);
  }
  return out;
}

void Blank(Json& map) {
  for (auto& [key, value] : map.members()) value = "*";
}

// Turns a stream of changed status keys into comparable lines.
class Sequence {
 public:
  void Add(Json changed) {
    changed.Erase("lastFailedBackup");
    for (const char* key : {"operatorCertificateFingerprint", "cloudNativePGOperatorHash",
                            "cloudNativePGCommitHash", "availableArchitectures",
                            "targetPrimaryTimestamp", "currentPrimaryTimestamp", "systemID"})
      if (const Json* value = changed.Find(key); value != nullptr && !value->is_null())
        changed.Set(key, "*");
    for (const char* pointer : {"/certificates/expirations", "/configMapResourceVersion/metrics",
                                "/secretsResourceVersion"})
      if (changed.At(pointer).is_object()) {
        Json map = changed.At(pointer);
        Blank(map);
        changed.SetAt(pointer, std::move(map));
      }
    if (Json* reported = changed.Find("instancesReportedState");
        reported != nullptr && reported->is_object())
      for (auto& [name, state] : reported->members()) state.Set("ip", "*");
    if (changed.Has("conditions")) {
      Json plain = PlainConditions(changed["conditions"]);
      changed.Erase("conditions");
      if (plain != conditions_) changed.Set("conditions", plain);
      conditions_ = std::move(plain);
    }
    // Jobs vanish one after the other there, all at once here.
    const Json* jobs = changed.Find("jobCount");
    if (changed.size() == 1 && jobs != nullptr && jobs->is_int() && healthy_) return;
    if (changed.empty()) return;
    const Json* phase = changed.Find("phase");
    healthy_ |= phase != nullptr && phase->AsString() == "Cluster in healthy state";
    done_ |= healthy_ && changed.Has("jobCount");
    lines_.push_back(Sorted(changed));
  }

  bool done() const { return done_; }

  const std::vector<std::string>& lines() const { return lines_; }

 private:
  static std::string Sorted(const Json& value) {
    if (!value.is_object()) return value.Dump();
    std::map<std::string, std::string> ordered;
    for (const auto& [key, member] : value.members()) ordered[key] = Sorted(member);
    std::string out = "{";
    for (const auto& [key, text] : ordered) out += key + ":" + text + " ";
    return out + "}";
  }

  Json conditions_ = Json::MakeObject();
  bool healthy_ = false, done_ = false;
  std::vector<std::string> lines_;
};

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
    Json before = Json::MakeObject();
    for (const FakeCluster::Change& change : fake.Changes()) {
      if (change.object["kind"].AsString() != "Cluster") continue;
      const Json& after = change.object["status"];
      Json difference = Json::MakeObject();
      for (const auto& [key, value] : after.members())
        if (std::as_const(before)[key] != value) difference.Set(key, value);
      for (const auto& [key, value] : before.members())
        if (!after.Has(key)) difference.Set(key, Json());
      before = after;
      out.Add(std::move(difference));
    }
    return out;
  }

  void CompareWith(const std::string& file) {
    Sequence recorded;
    const Json recording = Recording(file);
    for (const Json& event : recording["events"].items())
      if (event["kind"].AsString() == "Cluster" && !recorded.done()) recorded.Add(event["changed"]);
    const Sequence written = Written();
    const auto &want = recorded.lines(), &have = written.lines();
    for (size_t i = 0; i < std::max(want.size(), have.size()); ++i) {
      const std::string w = i < want.size() ? want[i] : "(nothing)",
                        h = i < have.size() ? have[i] : "(nothing)";
      ASSERT_EQ(w, h) << "step " << i;
    }
  }

  // Names, kinds, labels, owners and keys of the recorded objects.
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

TEST_F(TimelineTest, GeneratesSecretsOnlyWithoutAnOwnOne) {
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
}  // namespace slipway::sim::cnpg
