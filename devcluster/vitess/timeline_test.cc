#include <map>
#include <set>

#include "devcluster/vitess/names.h"
#include "devcluster/vitess/test_fixture.h"

// Compares what the behaviour writes with recordings of Vitess operator 2.17.0.
namespace slipway::sim::operators::vitess {
namespace {

// Removes from a status what was done by hand in the recording, or depends on time.
Json Normalised(Json status) {
  if (Json* conditions = status.Find("conditions"))
    for (Json& condition : conditions->items()) condition.Erase("lastTransitionTime");
  status.Erase("backupLocations");  // no reader of the bucket ran
  if (status["idle"].AsString() == "True") status.Set("idle", "False");  // no serving graph
  if (Json* gateway = status.Find("gateway")) {
    const std::string& selector = (*gateway)["labelSelector"].AsString();
    if (!selector.empty()) gateway->Set("labelSelector", selector.size());  // its order changes
  }
  return status;
}

std::string Text(const Json& status) {
  std::map<std::string, std::string> sorted;
  for (const auto& [key, value] : status.members()) sorted[key] = value.Dump();
  std::string out;
  for (const auto& [key, value] : sorted) out += key + "=" + value + " ";
  return out;
}

class VitessTimelineTest : public VitessTest {
 protected:
  void SetUp() override {
    facts = FactsDir("vitess");
    if (facts.empty()) GTEST_SKIP() << "no recordings: set SLIPWAY_SHARED";
  }

  Json Recording(const std::string& file) {
    auto json = Json::Parse(FileText(facts + "/observed/" + file));
    EXPECT_TRUE(json) << file;
    return json ? *json : Json();
  }

  void ApplySample(const std::string& file, const std::string& name) {
    auto documents = ParseYaml(FileText(facts + "/samples/" + file));
    ASSERT_TRUE(documents);
    ref = {kGroup, kKind, "tenant-a", name};
    for (YamlDocument& document : *documents) {
      const std::string kind = document.value["kind"].AsString();
      if (kind == "Secret" || kind == "ServiceAccount" || kind == kKind) Create(document.value);
    }
  }

  bool RunsWith(int tablets) {
    bool available = true;
    const Json shard = Shard();
    for (const auto& [alias, tablet] : shard.At("/status/tablets").members())
      available &= tablet["available"].AsString() == "True";
    return available && Status().At("/keyspaces/app/readyTablets").AsInt() == tablets &&
           Status().At("/cells/zone1/gatewayAvailable").AsString() == "True";
  }

  // The statuses of one object, in order.
  std::vector<Json> Written(const std::string& kind, const std::string& name) {
    std::vector<Json> out;
    for (const FakeCluster::Change& change : fake.Changes()) {
      if (change.object["kind"].AsString() != kind || NameOf(change.object) != name ||
          !change.object["status"].is_object())
        continue;
      Json status = Normalised(change.object["status"]);
      if (out.empty() || out.back() != status) out.push_back(std::move(status));
    }
    return out;
  }

  // The statuses in a recording, put together from the changes.
  static std::map<std::string, std::vector<Json>> Recorded(const Json& recording) {
    std::map<std::string, Json> now;
    std::map<std::string, std::vector<Json>> out;
    for (const Json& event : recording["events"].items()) {
      const std::string key = event["kind"].AsString() + "/" + event["name"].AsString();
      for (const auto& [name, value] : event["changed"].members()) {
        if (value.is_null())
          now[key].Erase(name);
        else
          now[key].Set(name, value);
      }
      if (event["changed"].empty()) continue;
      Json status = Normalised(now[key]);
      if (out[key].empty() || out[key].back() != status) out[key].push_back(std::move(status));
    }
    return out;
  }

  static std::string Lines(const std::vector<Json>& statuses) {
    std::string out;
    for (const Json& status : statuses) out += Text(status) + "\n";
    return out;
  }

  // Checks that every recorded status was written, in this order; others may come between.
  static void ExpectInOrder(const std::vector<Json>& recorded, const std::vector<Json>& written,
                            const std::string& what) {
    size_t at = 0;
    for (const Json& status : recorded) {
      size_t found = at;
      while (found < written.size() && written[found] != status) ++found;
      ASSERT_LT(found, written.size()) << what << " lacks\n"
                                       << Text(status) << "\nafter " << at << " of\n"
                                       << Lines(written);
      at = found + 1;
    }
  }

  void CompareObjects(const std::string& file) {
    std::set<std::string> controlled;
    const Json recording = Recording(file);
    for (const Json& want : recording["items"].items()) {
      const std::string &kind = want["kind"].AsString(), name = NameOf(want);
      // We know only the first part of a generated name.
      if (kind == "ReplicaSet" || want["metadata"].Has("generateName")) continue;
      const Json have = Object(RefOf(want));
      if (name.find("vtbackup-init") != std::string::npos) continue;  // it goes when it has ended
      ASSERT_TRUE(have.is_object()) << kind << "/" << name << " is missing";
      EXPECT_EQ(have["metadata"]["labels"], want["metadata"]["labels"]) << name;
      Json owner = have["metadata"]["ownerReferences"][0],
           expected = want["metadata"]["ownerReferences"][0];
      if (expected.is_object()) expected.Set("uid", owner["uid"]);
      EXPECT_EQ(owner, expected) << name;
      for (const char* pointer : {"/spec/selector", "/spec/ports", "/spec/minAvailable",
                                  "/spec/hostname", "/spec/subdomain"})
        EXPECT_EQ(kind == "Deployment" ? Json() : have.At(pointer), want.At(pointer))
            << name << pointer;
      const char* containers =
          kind == "Deployment" ? "/spec/template/spec/containers" : "/spec/containers";
      CompareContainers(have.At(containers), want.At("/spec/containers"), name);
    }
  }

  static void CompareContainers(const Json& have, const Json& want, const std::string& name) {
    ASSERT_EQ(have.size(), want.size()) << name;
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_EQ(have[i]["name"], want[i]["name"]) << name;
      const bool of_operator = name.find("subcontroller") != std::string::npos;
      EXPECT_EQ(have[i]["image"], of_operator ? have[i]["image"] : want[i]["image"]) << name;
      Json ports = Json::MakeArray();
      for (const Json& port : have[i]["ports"].items()) ports.Push(port["name"]);
      EXPECT_EQ(ports, want[i]["ports"]) << name;
      EXPECT_EQ(have[i]["resources"], want[i]["resources"]) << name;
    }
  }

  std::string facts;
};

TEST_F(VitessTimelineTest, OneTabletIsMadeAsRecorded) {
  ApplySample("free.yaml", "db-free");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return RunsWith(1); }));
  for (const auto& [key, recorded] : Recorded(Recording("04-free-create-timeline.json"))) {
    EXPECT_FALSE(recorded.empty()) << key;
    const size_t slash = key.find('/');
    const std::string kind = key.substr(0, slash);
    if (kind != "VitessBackupSchedule")  // its time depends on the recording
      ExpectInOrder(recorded, Written(kind, key.substr(slash + 1)), key);
  }
  CompareObjects("01-free-pending.json");
}

TEST_F(VitessTimelineTest, ThreeTabletsArePendingAsRecorded) {
  ApplySample("standard.yaml", "db-standard");
  SetFaultOf(ref, "unschedulable");
  StartOperator();
  ASSERT_TRUE(Eventually([&] {
    return ConditionOf(PodOf("zone1-2309017081"), "PodScheduled")["reason"].AsString() ==
           "Unschedulable";
  }));
  const Json recording = Recording("02-standard-pending-status.json");
  for (const Json& want : recording["items"].items()) {
    if (!want["status"].is_object() || want["status"].empty()) continue;
    const auto same = [&] {
      return Normalised(Object(RefOf(want))["status"]) == Normalised(want["status"]);
    };
    EXPECT_TRUE(Eventually(same, 30)) << NameOf(want) << "\n"
                                      << Text(Normalised(want["status"])) << "\n"
                                      << Text(Normalised(Object(RefOf(want))["status"]));
  }
}

TEST_F(VitessTimelineTest, APrimaryIsReadyAsRecorded) {
  ApplySample("free.yaml", "db-free");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return RunsWith(1); }));
  const Json recording = Recording("03-free-primary-ready.json");
  for (const Json& want : recording["items"].items()) {
    const std::string& kind = want["kind"].AsString();
    // The recorded keyspace stayed behind, since it had no vttablet. The recorded schedule has
    // another time.
    if (kind != "VitessShard" && kind != "VitessCell" && kind != "EtcdLockserver") continue;
    EXPECT_EQ(Normalised(Object(RefOf(want))["status"]), Normalised(want["status"])) << kind;
  }
}

TEST_F(VitessTimelineTest, AHealthyClusterSaysWhatTheOperatorsSourcesSay) {
  ApplySample("standard.yaml", "db-standard");
  StartOperator();
  ASSERT_TRUE(Eventually([&] { return RunsWith(3); }));
  EXPECT_EQ(Status(),
            *Json::Parse(
                R"({"observedGeneration":1,"globalLockserver":{"etcd":{"available":"True"}},
      "gatewayServiceName":"db-standard-vtgate-717c7ee8",
      "vitessDashboard":{"available":"True","serviceName":"db-standard-vtctld-09004f2e"},
      "vtadmin":{"available":"Unknown"},"cells":{"zone1":{"gatewayAvailable":"True"}},
      "keyspaces":{"app":{"desiredShards":1,"shards":1,"readyShards":1,"updatedShards":1,
        "desiredTablets":3,"tablets":3,"readyTablets":3,"updatedTablets":3,"cells":["zone1"]}}})"))
      << Status().Dump();
  Json keyspace = All("VitessKeyspace").front()["status"];
  for (Json& condition : keyspace["conditions"].items()) condition.Erase("lastTransitionTime");
  EXPECT_EQ(keyspace, *Json::Parse(
                          R"({"observedGeneration":1,"idle":"False",
      "shards":{"-":{"hasMaster":"True","servingWrites":"True","desiredTablets":3,"tablets":3,
        "readyTablets":3,"updatedTablets":3,"cells":["zone1"]}},
      "partitionings":[{"shardNames":["-"],"servingWrites":"True","desiredTablets":3,"tablets":3,
        "readyTablets":3,"updatedTablets":3,"desiredShards":1,"readyShards":1}],
      "conditions":[{"type":"Ready","status":"True","reason":"TabletsReady",
          "message":"All tablet Pods for the serving partitioning are Ready."},
        {"type":"ReshardingActive","status":"False","reason":"NoActiveReshardingWorkflow",
          "message":"No active resharding workflow found."},
        {"type":"ReshardingInSync","status":"False","reason":"NoActiveReshardingWorkflow",
          "message":"No active resharding workflow found."}]})"))
      << keyspace.Dump();
}

}  // namespace
}  // namespace slipway::sim::operators::vitess
