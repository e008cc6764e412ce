#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/test_fixture.h"
#include "devcluster/vitess/operator.h"

namespace slipway::sim::operators::vitess {

// The aliases of db/app/-/replica 1 to 3.
inline constexpr char kFirst[] = "zone1-2309017081", kSecond[] = "zone1-2951301838",
                      kThird[] = "zone1-0950326682";

// The operator over a fake API server that reports every change, as the operator's watches would.
class VitessTest : public FakeOperatorTest<Operator> {
 protected:
  VitessTest() { fake.plain_kind = "VitessBackup"; }

  void OnChange(const FakeCluster::Change& change) override {
    const std::lock_guard lock(operator_mutex);
    if (!op) return;
    const kube::ObjectRef about = RefOf(change.object);
    const std::string& owner = LabelOf(change.object, "planetscale.com/cluster");
    if (about.kind == kKind) op->ClusterChanged(about.ns, about.name);
    if (about.kind == "VitessBackupSchedule")
      op->controller().Wake("schedule/" + about.ns + "/" + about.name);
    if (about.kind == "Secret") op->SecretChanged(about.ns);
    if (!owner.empty()) op->ClusterChanged(about.ns, owner);
  }

  std::string Describe() override {
    return Object(ref)["status"].Dump() + Shard()["status"].Dump();
  }

  void StartOperator() {
    auto fresh = std::make_unique<Operator>(fake, options, clock, log);
    const std::lock_guard lock(operator_mutex);
    op = std::move(fresh);
    for (const Json& object : fake.Objects()) {
      const std::string& kind = object["kind"].AsString();
      if (kind == kKind) op->ClusterChanged(NamespaceOf(object), NameOf(object));
      if (kind == "VitessBackupSchedule")
        op->controller().Wake("schedule/" + NamespaceOf(object) + "/" + NameOf(object));
    }
  }

  void CreateSecrets() {
    CreateText(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"db-users"},"stringData":
      {"users.json":"{\"app\":[{\"MysqlNativePassword\":\"*6D8E7CA2D13CBEBC74BE7EF3A2976000952DCE92\",\"UserData\":\"app\"}]}"}})");
    CreateText(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"db-init"},
      "stringData":{"init_db.sql":"SELECT 1"}})");
  }

  static constexpr char kBackup[] =
      R"(,"backup":{"engine":"xtrabackup","locations":[{"s3":{"bucket":"b","region":"r",
        "authSecret":{"name":"db-s3","key":"credentials"}}}]})";

  void CreateBackupSecret() {
    CreateText(
        R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"db-s3"},"stringData":{"credentials":"x"}})");
  }

  // Creates a cluster with one keyspace `app` in cell zone1; `extra` goes into the spec.
  void CreateCluster(int tablets, int shards = 1, const std::string& extra = "") {
    CreateText(
        R"({"apiVersion":"planetscale.com/v2","kind":"VitessCluster","metadata":{"name":"db"},"spec":{
        "images":{"vttablet":"vitess/lite:v24.0.3","mysqld":{"mysql80Compatible":"vitess/lite:v24.0.3"}},
        "updateStrategy":{"type":"Immediate"},
        "globalLockserver":{"etcd":{"extraLabels":{"slipway.dev/instance":"i"}}},
        "cells":[{"name":"zone1","gateway":{"replicas":1,"extraLabels":{"slipway.dev/instance":"i"},
          "authentication":{"static":{"secret":{"name":"db-users","key":"users.json"}}}}}],
        "keyspaces":[{"name":"app","databaseName":"app","turndownPolicy":"Immediate",
          "vitessOrchestrator":{"extraLabels":{"slipway.dev/instance":"i"}},
          "partitionings":[)" +
        Partitioning(tablets, shards) + "]}]" + extra + "}}");
  }

  static std::string Partitioning(int tablets, int shards = 1, const std::string& mysqld = "") {
    return R"({"equal":{"parts":)" + std::to_string(shards) +
           R"(,"shardTemplate":{"databaseInitScriptSecret":{"name":"db-init","key":"init_db.sql"},
             "tabletPools":[{"cell":"zone1","type":"replica","replicas":)" +
           std::to_string(tablets) +
           R"(,"extraLabels":{"slipway.dev/instance":"i"},"vttablet":{"resources":{}},
             "mysqld":{"resources":{})" +
           mysqld +
           R"(},"dataVolumeClaimTemplate":{"accessModes":["ReadWriteOnce"],
             "resources":{"requests":{"storage":"5Gi"}}}}]}}})";
  }

  void SetPool(int tablets, const std::string& mysqld = "") {
    Patch(R"({"keyspaces":[{"name":"app","databaseName":"app","turndownPolicy":"Immediate",
          "vitessOrchestrator":{"extraLabels":{"slipway.dev/instance":"i"}},
          "partitionings":[)" +
          Partitioning(tablets, 1, mysqld) + "]}]}");
  }

  // Creates secrets and cluster, starts the operator and waits until the cluster is healthy.
  void RunCluster(int tablets, int shards = 1, const std::string& extra = "") {
    CreateSecrets();
    CreateCluster(tablets, shards, extra);
    StartOperator();
    ASSERT_TRUE(Eventually([&] { return Healthy(tablets * shards); }));
  }

  void Patch(const std::string& spec) {
    auto patch = Json::Parse("{\"spec\":" + spec + "}");
    ASSERT_TRUE(patch) << spec;
    ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, *patch, ""));
  }

  Json Status() { return Object(ref)["status"]; }

  // Checks health as the engine does: everything exists, and all tablets are available.
  bool Healthy(int tablets) {
    const Json cluster = Object(ref);
    const Json& status = cluster["status"];
    const Json& counts = status.At("/keyspaces/app");
    bool healthy = status["observedGeneration"] == cluster["metadata"]["generation"] &&
                   status.At("/globalLockserver/etcd/available").AsString() == "True" &&
                   status.At("/cells/zone1/gatewayAvailable").AsString() == "True" &&
                   status.At("/vitessDashboard/available").AsString() == "True" &&
                   counts["readyTablets"].AsInt() == tablets &&
                   counts["desiredTablets"].AsInt() == tablets &&
                   counts["updatedTablets"].AsInt() == tablets;
    for (const Json& keyspace : All("VitessKeyspace"))
      healthy &= ConditionTrue(keyspace, "Ready") &&
                 ConditionOf(keyspace, "ReshardingActive")["status"].AsString() == "False";
    int64_t available = 0;
    for (const Json& shard : All("VitessShard")) {
      healthy &= shard.At("/status/hasMaster").AsString() == "True" &&
                 shard.At("/status/observedGeneration") == shard["metadata"]["generation"] &&
                 shard.At("/status/orphanedTablets").is_null();
      for (const auto& [alias, tablet] : shard.At("/status/tablets").members())
        if (tablet["available"].AsString() == "True" && !tablet.Has("pendingChanges")) ++available;
    }
    return healthy && available == tablets;
  }

  std::vector<Json> All(const std::string& kind) {
    std::vector<Json> out;
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == kind) out.push_back(object);
    return out;
  }

  Json Get(const char* kind, const std::string& name) { return Object({"v1", kind, ref.ns, name}); }

  Json Shard() {
    const std::vector<Json> shards = All("VitessShard");
    return shards.empty() ? Json() : shards.front();
  }

  std::string Master() { return Shard().At("/status/masterAlias").AsString(); }

  // The pod of a tablet.
  Json PodOf(const std::string& alias) {
    for (const Json& pod : All("Pod"))
      if (NameOf(pod).find("-vttablet-" + alias + "-") != std::string::npos) return pod;
    return {};
  }

  // The different statuses of a kind of object, in order.
  std::vector<Json> Statuses(const std::string& kind, size_t from = 0) {
    std::vector<Json> out;
    const std::vector<FakeCluster::Change> changes = fake.Changes();
    for (size_t i = from; i < changes.size(); ++i) {
      const Json& object = changes[i].object;
      if (object["kind"].AsString() != kind || !object["status"].is_object()) continue;
      if (out.empty() || out.back() != object["status"]) out.push_back(object["status"]);
    }
    return out;
  }

  // The entry of one tablet in the shard's status, as "running/ready/available/bound/type".
  static std::string Brief(const Json& status, const std::string& alias) {
    const Json& tablet = status["tablets"][alias];
    std::string out;
    for (const char* key : {"running", "ready", "available", "dataVolumeBound", "type"})
      out += (out.empty() ? "" : "/") + tablet[key].AsString();
    return out;
  }

  // The story of a tablet since change `from`.
  std::vector<std::string> Story(const std::string& alias, size_t from = 0) {
    std::vector<std::string> out;
    for (const Json& status : Statuses("VitessShard", from)) {
      std::string line = Brief(status, alias) + " master " + status["hasMaster"].AsString();
      if (out.empty() || out.back() != line) out.push_back(std::move(line));
    }
    return out;
  }

  std::string EventMessage(const std::string& reason) {
    for (const Json& event : All("Event"))
      if (event["reason"].AsString() == reason) return event["message"].AsString();
    return "";
  }

  int64_t Count(const std::string& component) {
    int64_t out = 0;
    for (const Json& pod : All("Pod"))
      if (LabelOf(pod, "planetscale.com/component") == component) ++out;
    return out;
  }

  std::string UidOfPod(const std::string& alias) { return UidOf(PodOf(alias)); }

  kube::ObjectRef ref{kGroup, kKind, "acme", "db"};
};

}  // namespace slipway::sim::operators::vitess
