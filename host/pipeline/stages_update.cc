// The host's own stages of an update.
#include <algorithm>

#include "pipeline/effects.h"
#include "pipeline/failures.h"
#include "pipeline/quota.h"
#include "pipeline/stages.h"
#include "pipeline/update.h"
#include "pipeline/verbs.h"
#include "pipeline/volumes.h"

namespace slipway::pipeline {
namespace {

// The class of a claim that cannot grow; empty where all can.
Result<std::string> ClassThatCannotGrow(Tick& tick) {
  const std::string selector = ClaimsSelector(tick.engine().description(), tick.instance());
  if (selector.empty()) return std::string();
  kube::Cluster& cluster = tick.deps().cluster;
  TRY(const kube::ObjectList claims, cluster.List("v1", "PersistentVolumeClaim", tick.instance().ns,
                                                  {.label_selector = selector}));
  for (const Json& claim : claims.items) {
    const std::string& name = claim.At("/spec/storageClassName").AsString();
    if (name.empty())
      return "the volume of " + claim["metadata"]["name"].AsString() + " has no storage class";
    TRY(const Json found, GetOrNull(cluster, {"storage.k8s.io/v1", "StorageClass", "", name}));
    if (!found["allowVolumeExpansion"].AsBool())
      return "the storage class " + name + " does not allow its volumes to grow";
  }
  return std::string();
}

bool Grows(const Json& plan) {
  const auto& changes = plan["changes"].items();
  return std::any_of(changes.begin(), changes.end(),
                     [](const Json& change) { return change["path"].AsString() == "/storage"; });
}

}  // namespace

// Before anything is touched.
StageOutcome RunQuota(Tick& tick) {
  if (auto found = tick.FindEngine(); !found) return FromEngineError(tick, found.error());
  if (Grows(Json::ParseObject(tick.operation().plan))) {
    const auto cannot = ClassThatCannotGrow(tick);
    if (!cannot) return FromClusterError(tick, cannot.error());
    if (!cannot->empty())
      return StageOutcome::Of(StageFails{{Code::kPrecondition, "StorageCannotGrow", *cannot}});
  }
  const TickDeps& deps = tick.deps();
  if (auto settled = SettleQuota(deps.cluster, deps.store, tick.instance().ns); !settled)
    return FromClusterError(tick, settled.error());
  return StageOutcome::Of(StageReady{""});
}

StageOutcome RunQuotaRelease(Tick& tick) {
  store::OperationRecord& operation = tick.operation();
  const std::string plan =
      WithOneQuota(Json::ParseObject(operation.plan), tick.stage().rollback).Dump();
  if (plan != operation.plan) {
    operation.plan = plan;
    // The quota is the sum of the plans in the store.
    if (auto committed = tick.CommitIntent(); !committed)
      return FromClusterError(tick, committed.error());
  }
  const TickDeps& deps = tick.deps();
  if (auto settled = SettleQuota(deps.cluster, deps.store, tick.instance().ns); !settled)
    return FromClusterError(tick, settled.error());
  return StageOutcome::Of(StageReady{""});
}

}  // namespace slipway::pipeline
