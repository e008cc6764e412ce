#include "devcluster/vitess/rollout.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/names.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/servers.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr char kScheduled[] = "rollout.planetscale.com/scheduled",
               kReleased[] = "rollout.planetscale.com/released",
               kCascade[] = "rollout.planetscale.com/cascade",
               kStarted[] = "drain.planetscale.com/started",
               kAcknowledged[] = "drain.planetscale.com/acknowledged",
               kFinished[] = "drain.planetscale.com/finished";

Result<void> Annotate(ClusterPass& pass, Json& object, Json annotations) {
  return pass.PatchObject(
      object, Json::Obj({{"metadata", Json::Obj({{"annotations", std::move(annotations)}})}}));
}

bool Annotated(const Json& object, const char* key) {
  return object["metadata"]["annotations"].Has(key);
}

bool CanTakeOver(ClusterPass& pass, const ShardView& view, const Tablet& tablet) {
  const Json* pod = pass.PodOf(tablet);
  return pod != nullptr && tablet.pool_type == "replica" && PodActive(*pod) && PodReady(*pod) &&
         !Annotated(*pod, kStarted) && view.topology.TypeOf(tablet.alias) == "replica";
}

// Takes one step of the drain of a pod that has to go. True when the pod may go now.
Result<bool> Drain(ClusterPass& pass, ShardView& view, Json& pod, const std::string& alias,
                   const char* reason) {
  if (Annotated(pod, kFinished)) return true;
  if (!Annotated(pod, kAcknowledged)) {
    TRY_VOID(Annotate(pass, pod, Json::Obj({{kStarted, reason}, {kAcknowledged, reason}})));
    return false;
  }
  if (alias == view.topology.primary) {
    TRY(const bool moved, PlannedReparent(pass, view));
    if (!moved)
      pass.EventOnce(view.object, "Warning", "DrainBlocked",
                     "unable to drain primary tablet " + alias + ": no other tablet is ready");
    return false;
  }
  // The new primary has to receive the last writes first.
  if (pass.env.servers->Leads(pass, view))
    TRY_VOID(Annotate(pass, pod, Json::Obj({{kFinished, reason}})));
  return false;
}

class Rollout {
 public:
  Rollout(ClusterPass& pass, ShardView& view)
      : pass_(pass),
        view_(view),
        generation_(std::to_string(view.object["metadata"]["generation"].AsInt())) {}

  Result<void> Run() {
    TRY(const bool observed, Mark());
    if (scheduled_.empty()) return Finish();
    if (pass_.spec.immediate) {
      if (!observed) return {};
      if (!Annotated(view_.object, kCascade))
        return Annotate(pass_, view_.object, Json::Obj({{kCascade, "immediate"}}));
    } else {
      std::erase_if(scheduled_, [&](const Tablet* tablet) {
        return !Annotated(*pass_.PodOf(*tablet), kReleased);
      });
    }
    return ReplaceOne();
  }

 private:
  // Tells all pods of this generation. True when all of them knew it before.
  Result<bool> Mark() {
    bool observed = true;
    for (const Tablet& tablet : view_.shard.tablets) {
      Json* pod = pass_.PodOf(tablet);
      if (pod == nullptr || BeingDeleted(*pod)) continue;
      const std::string changes = PendingChanges(pass_, view_, tablet);
      observed &= AnnotationOf(*pod, kObservedGeneration) == generation_;
      TRY_VOID(Annotate(pass_, *pod,
                        Json::Obj({{kObservedGeneration, generation_},
                                   {kScheduled, changes.empty() ? Json() : Json(changes)}})));
      if (!changes.empty()) scheduled_.push_back(&tablet);
    }
    return observed;
  }

  Result<void> Finish() {
    if (!Annotated(view_.object, kCascade)) return {};
    TRY_VOID(Annotate(pass_, view_.object, Json::Obj({{kCascade, nullptr}})));
    pass_.Event(view_.object, "Normal", "RollingRestartComplete",
                "all tablets have the newest pod spec");
    return {};
  }

  Result<void> ReplaceOne() {
    for (const Tablet* tablet : scheduled_)
      if (Annotated(*pass_.PodOf(*tablet), kStarted)) return Replace(*tablet);
    for (const Tablet& tablet : view_.shard.tablets) {
      const Json* pod = pass_.PodOf(tablet);
      if (pod != nullptr && pass_.Available(*pod)) continue;
      // The pod may be unable to run with its present spec, and the change may be meant to mend
      // that.
      if (view_.shard.tablets.size() == 1 && pod != nullptr && !BeingDeleted(*pod)) break;
      if (pass_.First("paused-" + tablet.alias + generation_))
        pass_.Event(view_.object, "Normal", "RolloutPaused",
                    "tablet " + tablet.alias + " is not available");
      return {};
    }
    const Tablet* next = nullptr;
    for (const Tablet* tablet : scheduled_)
      if (next == nullptr || next->alias == view_.topology.primary) next = tablet;
    return next == nullptr ? Result<void>() : Replace(*next);
  }

  Result<void> Replace(const Tablet& tablet) {
    Json& pod = *pass_.PodOf(tablet);
    const bool alone =
        std::count_if(view_.shard.tablets.begin(), view_.shard.tablets.end(),
                      [](const Tablet& one) { return one.pool_type == "replica"; }) == 1;
    if (alone && tablet.alias == view_.topology.primary) return pass_.Remove(pod, view_.object);
    TRY_VOID(Annotate(pass_, pod, Json::Obj({{kReleased, "immediate"}})));
    TRY(const bool drained, Drain(pass_, view_, pod, tablet.alias, "rolling update"));
    return drained ? pass_.Remove(pod, view_.object) : Result<void>();
  }

  ClusterPass& pass_;
  ShardView& view_;
  const std::string generation_;
  std::vector<const Tablet*> scheduled_;
};

}  // namespace

std::string PendingChanges(ClusterPass& pass, const ShardView& view, const Tablet& tablet) {
  const Json* pod = pass.PodOf(tablet);
  if (pod == nullptr || BeingDeleted(*pod)) return "";
  for (const Json& wanted : view.wanted) {
    if (wanted["kind"].AsString() != "Pod" || NameOf(wanted) != tablet.name) continue;
    const std::string &have = AnnotationOf(*pod, kStateHash),
                      &want = AnnotationOf(wanted, kStateHash);
    return have == want ? "" : "pod spec: " + have + " != " + want;
  }
  return "";
}

std::vector<Orphan> OrphansOf(ClusterPass& pass, const ShardView& view) {
  std::map<std::string, Orphan> found;
  for (const char* kind : {"Pod", "PersistentVolumeClaim"}) {
    for (Json& object : pass.All(kind)) {
      if (LabelOf(object, kComponent) != "vttablet" ||
          LabelOf(object, kKeyspaceLabel) != view.keyspace.name ||
          LabelOf(object, kShardLabel) != view.shard.safe)
        continue;
      const std::string alias =
          TabletAlias(LabelOf(object, kCell),
                      static_cast<uint32_t>(std::strtoul(
                          LabelOf(object, "planetscale.com/tablet-uid").c_str(), nullptr, 10)));
      const auto& tablets = view.shard.tablets;
      if (std::any_of(tablets.begin(), tablets.end(),
                      [&](const Tablet& tablet) { return tablet.alias == alias; }))
        continue;
      Orphan& orphan = found[alias];
      orphan.alias = alias;
      (std::string_view(kind) == "Pod" ? orphan.pod : orphan.claim) = &object;
    }
  }
  std::vector<Orphan> out;
  out.reserve(found.size());
  for (const auto& [alias, orphan] : found) out.push_back(orphan);
  return out;
}

Result<bool> PlannedReparent(ClusterPass& pass, ShardView& view) {
  for (const Tablet& tablet : view.shard.tablets) {
    if (!CanTakeOver(pass, view, tablet)) continue;
    if (auto moved = pass.env.servers->Reparent(pass, view, tablet.alias); !moved) {
      pass.EventOnce(view.object, "Warning", "PlannedReparentFailed", moved.error().message);
      return std::move(moved).error();
    }
    Topology topology = view.topology;
    const std::string from = std::exchange(topology.primary, tablet.alias);
    TRY_VOID(WriteTopology(pass, view, topology));
    pass.Event(view.object, "Normal", "PlannedReparent",
               "planned reparent from " + from + " to " + tablet.alias + " succeeded");
    return true;
  }
  return false;
}

Result<void> DrainTablets(ClusterPass& pass, ShardView& view) {
  for (const Tablet& tablet : view.shard.tablets) {
    Json* pod = pass.PodOf(tablet);
    if (pod == nullptr || BeingDeleted(*pod) || Annotated(*pod, kReleased)) continue;
    if (Annotated(*pod, kStarted)) {
      TRY_VOID(Drain(pass, view, *pod, tablet.alias, AnnotationOf(*pod, kStarted).c_str()));
    } else if (Annotated(*pod, kAcknowledged) || Annotated(*pod, kFinished)) {
      TRY_VOID(Annotate(pass, *pod, Json::Obj({{kAcknowledged, nullptr}, {kFinished, nullptr}})));
    }
  }
  return {};
}

Result<void> RollTablets(ClusterPass& pass, ShardView& view) {
  return Rollout(pass, view).Run();
}

Result<void> TurnDownTablets(ClusterPass& pass, ShardView& view) {
  for (const Orphan& orphan : OrphansOf(pass, view)) {
    if (orphan.pod != nullptr) {
      if (BeingDeleted(*orphan.pod)) continue;
      TRY(const bool drained, Drain(pass, view, *orphan.pod, orphan.alias, "turn-down"));
      if (drained) TRY_VOID(pass.Remove(*orphan.pod, view.object));
      continue;
    }
    Topology topology = view.topology;
    if (topology.tablets.count(orphan.alias) != 0)
      TRY_VOID(pass.env.servers->DeleteTablet(pass, orphan.alias));
    if (topology.tablets.erase(orphan.alias) != 0)
      pass.Event(view.object, "Normal", "TopoCleanup", "removed unwanted tablet " + orphan.alias);
    TRY_VOID(WriteTopology(pass, view, topology));
    TRY_VOID(pass.Remove(*orphan.claim, view.object));
  }
  return {};
}

}  // namespace slipway::sim::operators::vitess
