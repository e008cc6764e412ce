#include <algorithm>
#include <cstdlib>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/objects.h"
#include "devcluster/vitess/rollout.h"
#include "devcluster/vitess/status_parts.h"

namespace slipway::sim::operators::vitess {

namespace {

bool Bound(const Json* claim) {
  return claim != nullptr && claim->At("/status/phase").AsString() == "Bound";
}

Json TabletStatus(ClusterPass& pass, const ShardView& view, const Tablet& tablet) {
  const Json* pod = pass.PodOf(tablet);
  const bool ready = pod != nullptr && PodReady(*pod);
  const bool available = pod != nullptr && pass.Available(*pod);
  const char* not_ready = pod == nullptr ? Yes(false) : kUnknown;
  Json out =
      Json::Obj({{"poolType", tablet.pool_type},
                 {"index", tablet.index},
                 {"running", Yes(pod != nullptr && PodRunning(*pod))},
                 {"ready", ready ? Yes(true) : not_ready},
                 {"available", ready ? Yes(available) : not_ready},
                 {"dataVolumeBound", Yes(Bound(pass.Find("PersistentVolumeClaim", tablet.name)))}});
  if (const std::string type = view.topology.TypeOf(tablet.alias);
      !type.empty() && pass.LockserverAnswers())
    out.Set("type", type);
  if (const std::string changes = PendingChanges(pass, view, tablet); !changes.empty())
    out.Set("pendingChanges", changes);
  return out;
}

// Adds the tablets that are no longer in any pool, and what their turn-down waits for.
void AddOrphans(ClusterPass& pass, const ShardView& view, Json& status) {
  for (const Orphan& orphan : OrphansOf(pass, view)) {
    const char *reason = "Draining",
               *message = "waiting for the tablet to be drained before turn-down";
    if (orphan.pod == nullptr) {
      reason = "PodExists";
      message = "not deleting PVC while the Pod still exists";
    } else if (view.topology.primary == orphan.alias) {
      reason = "Primary";
      message = "not turning down tablet while it is the primary";
    }
    status["orphanedTablets"].Set(orphan.alias,
                                  Json::Obj({{"reason", reason}, {"message", message}}));
  }
}

void AddTopology(ClusterPass& pass, const ShardView& view, Json& status) {
  const Topology& topology = view.topology;
  const bool known = pass.LockserverAnswers() && topology.registered();
  const bool primary = known && !topology.primary.empty();
  status.Set("hasMaster", known ? Yes(primary) : kUnknown)
      .Set("servingWrites", known ? Yes(true) : kUnknown)
      .Set("idle", known ? Yes(false) : kUnknown);
  if (primary) status.Set("masterAlias", topology.primary);
}

// True when the newest complete one is among them.
void AddBackups(ClusterPass& pass, const ShardView& view, Json& status) {
  int64_t complete = 0, incomplete = 0;
  std::string newest;
  for (const Json& backup : pass.All("VitessBackup")) {
    if (LabelOf(backup, kKeyspaceLabel) != view.keyspace.name ||
        LabelOf(backup, kShardLabel) != view.shard.safe)
      continue;
    const Json& of = backup["status"];
    ++(of["complete"].AsBool() ? complete : incomplete);
    if (of["complete"].AsBool()) newest = std::max(newest, of["startTime"].AsString());
  }
  Json location = Json::Obj({{"completeBackups", complete}, {"incompleteBackups", incomplete}});
  if (!newest.empty()) location.Set("latestCompleteBackupTime", newest);
  const Json& name = pass.spec.spec.At("/backup/locations/0/name");
  if (name.is_string()) location.Set("name", name);
  status.Set("backupLocations", Json::Arr({std::move(location)}));
  const Json* first = pass.Find("Pod", InitialBackupName(pass.spec, view.keyspace, view.shard));
  if (complete > 0 || (first != nullptr && first->At("/status/phase").AsString() == "Succeeded"))
    status.Set("hasInitialBackup", Yes(true));
}

int64_t LowestPodGeneration(ClusterPass& pass, const ShardView& view) {
  int64_t lowest = -1;
  for (const Tablet& tablet : view.shard.tablets) {
    const Json* pod = pass.PodOf(tablet);
    if (pod == nullptr) continue;
    const int64_t seen = std::atoll(AnnotationOf(*pod, kObservedGeneration).c_str());
    if (seen > 0) lowest = lowest < 0 ? seen : std::min(lowest, seen);
  }
  return std::max<int64_t>(lowest, 0);
}

}  // namespace

Json ShardStatus(ClusterPass& pass, const ShardView& view) {
  Json out = Json::Obj({{"observedGeneration", view.object["metadata"]["generation"].AsInt()},
                        {"vitessOrchestrator", VtorcStatus(pass, view)}});
  for (const Tablet& tablet : view.shard.tablets)
    out["tablets"].Set(tablet.alias, TabletStatus(pass, view, tablet));
  std::vector<std::string> cells;
  for (const Tablet& tablet : view.shard.tablets)
    if (std::find(cells.begin(), cells.end(), tablet.cell) == cells.end())
      cells.push_back(tablet.cell);
  SetOrErase(out, "cells", ListOrNull(std::move(cells)));
  AddTopology(pass, view, out);
  out.Set("hasInitialBackup", out["hasMaster"].AsString() == Yes(true) ? Yes(true) : kUnknown);
  if (pass.spec.has_backup) AddBackups(pass, view, out);
  SetCount(out, "lowestPodGeneration", LowestPodGeneration(pass, view));
  AddOrphans(pass, view, out);
  return out;
}

}  // namespace slipway::sim::operators::vitess
