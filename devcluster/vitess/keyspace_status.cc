#include <algorithm>

#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/status_parts.h"

namespace slipway::sim::operators::vitess {

namespace {

// The part of a shard's status that the keyspace copies: zeroes and Unknown while there is none.
Json ShardEntry(ClusterPass& pass, const Shard& shard) {
  const Json* object = pass.Find("VitessShard", shard.name);
  const Json status = object == nullptr ? Json() : (*object)["status"];
  TabletCounts counts{.desired = static_cast<int64_t>(shard.tablets.size())};
  for (const auto& [alias, tablet] : status["tablets"].members()) {
    ++counts.tablets;
    if (tablet["ready"].AsString() == Yes(true)) ++counts.ready;
    if (tablet["pendingChanges"].AsString().empty()) ++counts.updated;
  }
  Json out = Json::Obj({{"hasMaster", TernaryOf(status["hasMaster"])},
                        {"servingWrites", TernaryOf(status["servingWrites"])}});
  counts.Write(out);
  SetOrErase(out, "cells", status["cells"]);
  return out;
}

Json PartitioningEntry(const std::vector<std::string>& ranges, const Json& shards) {
  TabletCounts all;
  int64_t ready_shards = 0;
  Json names = Json::MakeArray();
  std::string serving = Yes(true);
  for (const std::string& range : ranges) {
    const TabletCounts counts = TabletCounts::Of(shards[range]);
    all.Add(counts);
    if (counts.ready == counts.desired) ++ready_shards;
    names.Push(range);
    const std::string& one = shards[range]["servingWrites"].AsString();
    if (one != Yes(true) && serving != kUnknown) serving = one;
  }
  Json out = Json::Obj({{"shardNames", std::move(names)}, {"servingWrites", serving}});
  all.Write(out);
  SetCount(out, "desiredShards", static_cast<int64_t>(ranges.size()));
  SetCount(out, "readyShards", ready_shards);
  return out;
}

void AddReady(const Json& partitionings, Json& conditions, int64_t now_ms) {
  const auto set = [&](bool ready, const char* reason, const char* message) {
    SetCondition(conditions, "Ready", ready, reason, message, now_ms);
  };
  for (const Json& partitioning : partitionings.items()) {
    if (partitioning["servingWrites"].AsString() != Yes(true)) continue;
    const TabletCounts counts = TabletCounts::Of(partitioning);
    if (counts.ready == counts.desired)
      return set(true, "TabletsReady", "All tablet Pods for the serving partitioning are Ready.");
    return set(false, "TabletsNotReady",
               "Some tablet Pods for the serving partitioning are not Ready.");
  }
  set(false, "NoServingPartitioning", "No partitioning in this keyspace is serving write traffic.");
}

// The operator asks the primaries about workflows.
void AddResharding(ClusterPass& pass, const Json& shards, Json& conditions) {
  bool known = pass.LockserverAnswers();
  for (const auto& [range, shard] : shards.members())
    known &= shard["hasMaster"].AsString() == Yes(true);
  for (const char* type : {"ReshardingActive", "ReshardingInSync"}) {
    if (known)
      SetCondition(conditions, type, false, "NoActiveReshardingWorkflow",
                   "No active resharding workflow found.", pass.now());
    else
      SetConditionStatus(conditions, type, kUnknown, "ReconcileFailed",
                         "Failed to determine status of the condition.", pass.now());
  }
}

}  // namespace

Json KeyspaceStatus(ClusterPass& pass, const Keyspace& keyspace, const Json& object) {
  Json shards = Json::MakeObject(), partitionings = Json::MakeArray();
  for (const Shard& shard : keyspace.shards) shards.Set(shard.range, ShardEntry(pass, shard));
  for (const auto& ranges : keyspace.partitionings)
    partitionings.Push(PartitioningEntry(ranges, shards));
  Json conditions = object["status"]["conditions"];
  AddReady(partitionings, conditions, pass.now());
  AddResharding(pass, shards, conditions);
  return Json::Obj({{"observedGeneration", object["metadata"]["generation"].AsInt()},
                    {"shards", std::move(shards)},
                    {"partitionings", std::move(partitionings)},
                    {"idle", Yes(keyspace.desired_tablets() == 0)},
                    {"conditions", std::move(conditions)}});
}

}  // namespace slipway::sim::operators::vitess
