#include <algorithm>
#include <set>

#include "devcluster/mongodb/test_fixture.h"

// Compares what the behaviour writes with recordings of MCK 1.10.0 and MCO 0.13.0.
namespace slipway::sim::operators::mongodb {
namespace {

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// One line per change of a kind of object; repeated lines count once.
using Lines = std::vector<std::string>;

void Add(Lines& lines, std::string line) {
  if (lines.empty() || lines.back() != line) lines.push_back(std::move(line));
}

std::string Text(const Json& value) {
  return value.is_string() ? value.AsString() : value.is_null() ? "-" : value.Dump();
}

// Returns "" for a status that the recorded operator wrote when two of its passes met: Failed
// without a message.
std::string StatusLine(const Json& status) {
  if (!status.is_object()) return "";
  if (status["phase"].AsString() == "Failed" && !status.Has("message")) return "";
  std::string out;
  for (const char* key : {"phase", "message", "version", "currentStatefulSetReplicas",
                          "currentMongoDBMembers", "mongoUri"})
    out += std::string(key) + "=" + Text(status[key]) + " ";
  return out;
}

class MongodbTimelineTest : public MongodbTest {
 protected:
  void SetUp() override {
    facts = FactsDir("mongodb");
    if (facts.empty()) GTEST_SKIP() << "no recordings: set SLIPWAY_SHARED";
  }

  Json Recording(const std::string& file) {
    auto json = Json::Parse(FileText(facts + "/observed/" + file));
    EXPECT_TRUE(json) << file;
    return json ? *json : Json();
  }

  // Applies the sample with another name for its instance, and with the changes in `edit`.
  void ApplySample(const std::string& file, const std::string& old_name, const std::string& name,
                   const std::string& ns = "tenant-acme", const Json& edit = Json::MakeObject()) {
    std::string text = Replaced(FileText(facts + "/samples/" + file), old_name, name);
    auto documents = ParseYaml(Replaced(text, "tenant-acme", ns));
    ASSERT_TRUE(documents);
    ref = {kGroup, kKind, ns, name};
    for (YamlDocument& document : *documents) {
      const std::string kind = document.value["kind"].AsString();
      if (kind == kKind) document.value.MergePatch(edit);
      if (kind == "Secret" || kind == "ServiceAccount" || kind == kKind) Create(document.value);
    }
    from = fake.Changes().size();
  }

  // Runs the sample until it is Running; the comparison starts after that.
  void RunSample(const std::string& name, int members, const char* server) {
    Json edit = Json::MakeObject();
    edit.SetAt("/spec/members", members);
    edit.SetAt("/spec/version", server);
    ApplySample("standard.yaml", "mdb-standard", name, "tenant-acme", edit);
    StartOperator();
    ASSERT_TRUE(Eventually([&] { return Running(members); }));
    from = fake.Changes().size();
    first_generation = Set(name)["metadata"]["generation"].AsInt();
  }

  static std::string SetLine(const Json& generation, int64_t first, const Json& replicas,
                             const Json& strategy) {
    return "generation +" + std::to_string(generation.AsInt() - first) + " replicas " +
           Text(replicas) + " " + Text(strategy);
  }

  struct Story {
    Lines statuses, set, pod, secrets;
  };

  Story Recorded(const Json& recording, int64_t first) {
    Story out;
    for (const Json& event : recording["events"].items()) {
      const std::string &kind = event["kind"].AsString(), name = event["name"].AsString();
      const std::string line = StatusLine(event["status"]);
      if (kind == kKind && !line.empty()) Add(out.statuses, line);
      if (kind == "StatefulSet" && name == ref.name && event["event"].AsString() != "DELETED")
        Add(out.set,
            SetLine(event["generation"], first, event["replicas"], event["updateStrategy"]));
      if (kind == "Pod" && name == ref.name + "-0")
        Add(out.pod,
            Text(event["phase"]) + " " + Text(event["ready"]) + " " + Text(event["agentVersion"]));
      if (kind == "Secret" && event["event"].AsString() == "ADDED") out.secrets.push_back(name);
    }
    return out;
  }

  Story Written() {
    Story out;
    const std::vector<FakeCluster::Change> changes = fake.Changes();
    for (size_t i = from; i < changes.size(); ++i) {
      const Json& object = changes[i].object;
      const std::string &kind = object["kind"].AsString(), name = NameOf(object);
      const std::string line = StatusLine(object["status"]);
      if (kind == kKind && !line.empty()) Add(out.statuses, line);
      if (kind == "StatefulSet" && name == ref.name && changes[i].verb != "DELETED")
        Add(out.set, SetLine(object["metadata"]["generation"], first_generation,
                             object.At("/spec/replicas"), object.At("/spec/updateStrategy/type")));
      if (kind == "Pod" && name == ref.name + "-0") {
        std::string ready = ConditionOf(object, "Ready")["status"].AsString();
        Add(out.pod, Text(object.At("/status/phase")) + " " + (ready.empty() ? "-" : ready) + " " +
                         Text(object["metadata"]["annotations"][kAgentVersion]));
      }
      if (kind == "Secret" && changes[i].verb == "ADDED") out.secrets.push_back(name);
    }
    return out;
  }

  // Deletes the set as a garbage collector does with propagation Orphan.
  void OrphanDelete(const std::string& set) {
    const kube::ObjectRef about{"apps/v1", "StatefulSet", ref.ns, set};
    Json going = Json::MakeObject();
    going.SetAt("/metadata/deletionTimestamp", "2026-11-23T12:00:00Z");
    ASSERT_TRUE(fake.Patch(about, kube::PatchType::kMerge, going, ""));
    const std::string uid = UidOf(Object(about));
    for (const Json& object : fake.Objects())
      if (object.At("/metadata/ownerReferences/0/uid").AsString() == uid) {
        Json free = Json::MakeObject();
        free.SetAt("/metadata/ownerReferences", nullptr);
        ASSERT_TRUE(fake.Patch(RefOf(object), kube::PatchType::kMerge, free, ""));
      }
    ASSERT_TRUE(fake.Delete(about, {}));
  }

  // Compares names, kinds, labels, owners and keys with the recording; for a StatefulSet,
  // everything.
  void CompareObjects(const std::string& file) {
    const Json recording = Recording(file);
    for (const Json& want : recording["items"].items()) {
      const std::string label = want["kind"].AsString() + "/" + NameOf(want);
      const Json have = Object(RefOf(want));
      ASSERT_TRUE(have.is_object()) << label << " is missing";
      Json labels = have["metadata"]["labels"], wanted = want["metadata"]["labels"];
      for (const char* hand_made : {"controller-revision-hash", "topology.kubernetes.io/zone"}) {
        labels.Erase(hand_made);
        wanted.Erase(hand_made);
      }
      EXPECT_EQ(labels, wanted) << label << labels.Dump();
      Json owner = have["metadata"]["ownerReferences"][0],
           expected = want["metadata"]["ownerReferences"][0];
      if (!expected.is_null()) expected.Set("uid", owner["uid"]);
      EXPECT_EQ(owner, expected) << label;
      EXPECT_EQ(have["type"], want["type"]) << label;
      std::set<std::string> keys, wanted_keys;
      for (const auto& [key, value] : have["data"].members()) keys.insert(key);
      for (const auto& [key, value] : want["data"].members()) wanted_keys.insert(key);
      EXPECT_EQ(keys, wanted_keys) << label;
      if (want["kind"].AsString() == "StatefulSet" && want["spec"].Has("template"))
        ExpectWithin(have["spec"], want["spec"], label);
      for (const char* pointer : {"/spec/selector", "/spec/ports", "/spec/resources",
                                  "/spec/publishNotReadyAddresses", "/spec/serviceAccountName"})
        EXPECT_EQ(have.At(pointer), want.At(pointer)) << label << pointer;
    }
  }

  // Checks that the recording contains everything we wrote; its other fields are defaults of a
  // server.
  static void ExpectWithin(const Json& have, const Json& want, const std::string& where) {
    if (have.is_object()) {
      for (const auto& [key, value] : have.members())
        ExpectWithin(value, want[key], where + "/" + key);
    } else if (have.is_array()) {
      ASSERT_EQ(have.size(), want.size()) << where << have.Dump() << want.Dump();
      for (size_t i = 0; i < have.size(); ++i)
        ExpectWithin(have[i], want[i], where + "/" + std::to_string(i));
    } else if (want != Json("(script left out)")) {
      EXPECT_EQ(have, want) << where;
    }
  }

  std::string facts;
  size_t from = 0;
  int64_t first_generation = 1;
};

TEST_F(MongodbTimelineTest, OneMemberIsMadeAsRecorded) {
  ApplySample("free.yaml", "mdb-free", "mdb-free");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Running(1); }));
  Story recorded = Recorded(Recording("04-free-create-timeline.json"), 1);
  const Story written = Written();
  EXPECT_EQ(written.statuses, recorded.statuses);
  EXPECT_EQ(written.set, recorded.set);
  EXPECT_EQ(written.pod, recorded.pod);
  // The first five secrets belong to the sample itself.
  recorded.secrets.erase(recorded.secrets.begin(), recorded.secrets.begin() + 5);
  EXPECT_EQ(written.secrets, recorded.secrets);
  CompareObjects("01-free-pending.json");
  CompareObjects("02-free-running.json");
}

TEST_F(MongodbTimelineTest, ThreeMembersAreMadeAsRecorded) {
  ApplySample("standard.yaml", "mdb-standard", "mdb-standard");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
  EXPECT_EQ(Written().statuses,
            Recorded(Recording("05-standard-create-timeline.json"), 1).statuses);
  EXPECT_EQ(Set("mdb-standard")["metadata"]["generation"].AsInt(), 1);
}

TEST_F(MongodbTimelineTest, AnUnsortedEnvironmentRestartsTheFirstPod) {
  ApplySample("standard.yaml", "PBM_MONGODB_URI", "A_URI");
  ref.name = "mdb-standard";
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
  const Story recorded = Recorded(Recording("05-standard-create-timeline.json"), 1);
  EXPECT_EQ(Written().statuses, recorded.statuses);
  EXPECT_EQ(Written().set, recorded.set);
}

TEST_F(MongodbTimelineTest, ScalesUpAsRecorded) {
  RunSample("mdb-standard", 3, "8.0.21");
  Patch(R"({"members":5})");
  ASSERT_TRUE(Eventually([&] { return Running(5); }));
  const Story recorded = Recorded(Recording("06-standard-scale-3-to-5-timeline.json"), 2);
  EXPECT_EQ(Written().statuses, recorded.statuses);
  EXPECT_EQ(Written().set, recorded.set);
}

TEST_F(MongodbTimelineTest, ScalesDownAsRecorded) {
  RunSample("mdb-standard", 5, "8.0.32");
  Patch(R"({"members":3})");
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
  Story recorded = Recorded(Recording("09-standard-scale-5-to-3-timeline.json"), 6);
  const Story written = Written();
  EXPECT_EQ(written.set, recorded.set);
  EXPECT_EQ(written.statuses, recorded.statuses);
}

TEST_F(MongodbTimelineTest, ChangesTheVersionAsRecorded) {
  RunSample("mdb-std2", 3, "8.0.21");
  Patch(R"({"version":"8.0.32"})");
  ASSERT_TRUE(Eventually([&] {
    return Running(3) &&
           Set("mdb-std2-arb").At("/spec/updateStrategy/type").AsString() == "RollingUpdate";
  }));
  const Story recorded = Recorded(Recording("08-standard-version-change-timeline.json"), 1);
  EXPECT_EQ(Written().statuses, recorded.statuses);
  EXPECT_EQ(Written().set, recorded.set);
}

TEST_F(MongodbTimelineTest, ABrokenTemplateIsMendedAsRecorded) {
  RunSample("mdb-std2", 3, "8.0.32");
  SetFaultOf(ref, "unschedulable");
  Json containers = Object(ref).At("/spec/statefulSet/spec/template/spec/containers");
  const Json good = containers;
  for (Json& container : containers.items())
    if (container["name"].AsString() == "mongod") container.SetAt("/resources/requests/cpu", "900");
  const auto put = [&](const Json& list) {
    Json patch = Json::MakeObject();
    patch.SetAt("/spec/statefulSet/spec/template/spec/containers", list);
    ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, patch, ""));
  };
  put(containers);
  ASSERT_TRUE(Eventually([&] {
    return ConditionOf(Get("Pod", "mdb-std2-2"), "PodScheduled")["reason"].AsString() ==
           "Unschedulable";
  }));
  put(good);
  // The operator waits for the config first, and the broken pod never reports that it has the
  // config.
  (void)SettledChanges();
  const Json set = Set("mdb-std2");
  EXPECT_EQ(set["metadata"]["generation"].AsInt(), first_generation + 1);
  OrphanDelete("mdb-std2");
  ASSERT_TRUE(Eventually([&] { return Set("mdb-std2").is_object(); }));
  ASSERT_TRUE(fake.Delete({"v1", "Pod", ref.ns, "mdb-std2-2"}, {}));
  SetFaultOf(ref, "");
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
  EXPECT_EQ(Written().statuses,
            Recorded(Recording("10-standard-broken-template-timeline.json"), 3).statuses);
  EXPECT_NE(UidOf(Set("mdb-std2")), UidOf(set));
}

TEST_F(MongodbTimelineTest, AnotherStorageSizeFailsAsRecorded) {
  ApplySample("free.yaml", "mdb-free", "mdb-free");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Running(1); }));
  from = fake.Changes().size();
  const std::string pod = UidOf(Get("Pod", "mdb-free-0"));
  Json templates = Object(ref).At("/spec/statefulSet/spec/volumeClaimTemplates");
  for (Json& claim : templates.items())
    if (NameOf(claim) == "data-volume") claim.SetAt("/spec/resources/requests/storage", "6Gi");
  Json patch = Json::MakeObject();
  patch.SetAt("/spec/statefulSet/spec/volumeClaimTemplates", templates);
  ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, patch, ""));
  const auto failed = [&](const char* set) {
    return Status()["message"].AsString().find("StatefulSet.apps \"" + std::string(set) + "\"") !=
           std::string::npos;
  };
  ASSERT_TRUE(Eventually([&] { return failed("mdb-free"); }));
  OrphanDelete("mdb-free");
  ASSERT_TRUE(Eventually([&] { return failed("mdb-free-arb"); }));
  OrphanDelete("mdb-free-arb");
  ASSERT_TRUE(Eventually([&] { return Running(1); }));
  EXPECT_EQ(Written().statuses, Recorded(Recording("11-free-storage-timeline.json"), 1).statuses);
  EXPECT_EQ(UidOf(Get("Pod", "mdb-free-0")), pod);  // adopted
}

TEST_F(MongodbTimelineTest, TlsObjectsAreTheRecordedOnes) {
  ref = {kGroup, kKind, "tenant-acme", "mdb-tls"};
  for (const char* secret : {"dbadmin-password", "pbm-password", "metrics"})
    CreateText(
        R"({"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"tenant-acme","name":"mdb-tls-)" +
        std::string(secret) + R"("},"stringData":{"password":"x","username":"metrics"}})");
  CreateText(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"tenant-acme","name":"mdb-tls-server"},
    "stringData":{"ca.crt":"a","tls.crt":"c","tls.key":"k"}})");
  CreateText(
      R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"namespace":"tenant-acme","name":"mongodb-kubernetes-appdb"}})");
  ApplySample("tls.yaml", "mdb-tls", "mdb-tls");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Running(3); }));
  std::set<std::string> have,
      want{"mdb-tls-dbadmin-password", "mdb-tls-pbm-password", "mdb-tls-metrics", "mdb-tls-server"};
  for (const Json& object : fake.Objects())
    if (object["kind"].AsString() == "Secret") have.insert(NameOf(object));
  const Json recording = Recording("07-tls-scale-up-stuck.json");
  for (const Json& object : recording["items"].items())
    if (object["kind"].AsString() == "Secret") want.insert(NameOf(object));
  EXPECT_EQ(have, want);
}

TEST_F(MongodbTimelineTest, TheOldOperatorsObjectsAreTheRecordedOnes) {
  release = &Mco013();
  ApplySample("free.yaml", "mdb-free", "mdb-free", "tenant-mco");
  CreateText(
      R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"namespace":"tenant-mco","name":"mongodb-database"}})");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return Running(1); }));
  CompareObjects("12-mco-0.13-free-pending.json");
}

}  // namespace
}  // namespace slipway::sim::operators::mongodb
