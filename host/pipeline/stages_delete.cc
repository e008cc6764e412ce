// Taking down, for a delete and for a rollback alike: deletes by uid from the inventory, then looks
// until nothing is left.
#include <algorithm>

#include "pipeline/effects.h"
#include "pipeline/namespaces.h"
#include "pipeline/tick.h"
#include "pipeline/volumes.h"

namespace slipway::pipeline {
namespace {

constexpr int64_t kLookMs = 300, kMaxLookMs = 1500;

store::StageRecord& Current(TickContext& context) {
  return context.operation.stages[context.operation.stage];
}

// Soon at first, then seldom: a namespace takes its controller five seconds at least.
int64_t LookAgainMs(const TickDeps& deps, TickContext& context) {
  return std::clamp((deps.clock.NowMs() - Current(context).started_ms) / 2, kLookMs, kMaxLookMs);
}

store::WaitingFor WaitingOn(const store::ObjectRecord& record, const RemovalState& state) {
  return {record.kind, record.ns, record.name,
          state.finalizers.empty() ? "Terminating" : "Finalizers: " + state.finalizers, 0};
}

// Deletes or checks one object of the inventory. A value when it still stands.
Result<std::optional<store::WaitingFor>> Remove(const TickDeps& deps, TickContext& context,
                                                const store::ObjectRecord& record) {
  const store::ObjectRecord copy = record;
  TRY(const RemovalState state, RemoveObject(deps.cluster, context.instance.id, copy));
  if (state.state == Removal::kDeleting) return std::optional(WaitingOn(copy, state));
  if (state.state == Removal::kNotOurs)
    deps.log.Warn("op.object_not_ours",
                  {{"op", context.operation.id}, {"kind", copy.kind}, {"name", copy.name}});
  context.EraseObject(copy);
  return std::optional<store::WaitingFor>();
}

// What an engine may have deleted: an object of the inventory, or a claim that is observed, so one
// with our label: a StatefulSet makes claims and leaves them. Nothing else.
std::optional<store::ObjectRecord> Deletable(const TickContext& context, const Json& observed,
                                             const store::ObjectRecord& like) {
  if (const store::ObjectRecord* known = context.FindObject(like)) return *known;
  if (like.api_version != "v1" || like.kind != "PersistentVolumeClaim") return std::nullopt;
  for (const Json& object : observed.items()) {
    store::ObjectRecord record = RecordOf(object);
    if (SameObject(record, like)) return record;
  }
  return std::nullopt;
}

}  // namespace

StageOutcome RunResourceDeletion(const TickDeps& deps, TickContext& context) {
  auto engine = EngineOf(deps, context);
  if (!engine) return FromEngineError(Current(context), context.instance.engine, engine.error());
  if (RetainsVolumes(context.operation)) {
    if (auto retained = RetainVolumes(deps, context); !retained)
      return FromStepError(context, retained.error());
  }
  Json observed;
  auto result = CallStep(deps, context, "delete", Current(context).name, observed);
  if (!result) return FromStepError(context, result.error());
  std::optional<store::WaitingFor> holds;
  for (const Json& wanted : (*result)["delete"].items()) {
    store::ObjectRecord like;
    like.api_version = wanted["apiVersion"].AsString();
    like.kind = wanted["kind"].AsString();
    like.ns = wanted["namespace"].AsString(context.instance.ns);
    like.name = wanted["name"].AsString();
    const auto known = Deletable(context, observed, like);
    if (!known) {
      return FromEngineError(Current(context), context.engine->name(),
                             {Code::kInternal, "ForbiddenEffect",
                              "the engine may not delete " + like.kind + " " + like.name +
                                  ": it is neither in the inventory nor a claim of the instance"});
    }
    auto standing = Remove(deps, context, *known);
    if (!standing) return FromClusterError(Current(context), standing.error());
    if (*standing && !holds) holds = **standing;
  }
  StageOutcome judged = Judge(deps, context, *result);
  if (holds)
    return Waits(holds, "WaitingForDeletion", holds->kind + " " + holds->name + " is being deleted",
                 LookAgainMs(deps, context));
  if (!std::holds_alternative<StageReady>(judged.inputs.back())) {
    judged.delay_ms = std::min(judged.delay_ms, LookAgainMs(deps, context));
    return judged;
  }

  // The engine is content; the host believes what it sees.
  while (!context.inventory.empty()) {
    auto standing = Remove(deps, context, context.inventory.back());
    if (!standing) return FromClusterError(Current(context), standing.error());
    if (*standing)
      return Waits(**standing, "WaitingForDeletion",
                   (*standing)->kind + " " + (*standing)->name + " is being deleted",
                   LookAgainMs(deps, context));
  }
  std::vector<kube::Informer::ObjectPtr> left;
  deps.observer.CollectAll(context.instance.id, left);
  if (!left.empty()) {
    const kube::ObjectRef& ref = left.front()->ref;
    return Waits(store::WaitingFor{ref.kind, ref.ns, ref.name, "StillThere", 0},
                 "WaitingForDeletion", ref.ToString() + " is still there",
                 LookAgainMs(deps, context));
  }
  return judged;
}

StageOutcome RunNamespaceDeletion(const TickDeps& deps, TickContext& context) {
  const auto& instance = context.instance;
  auto released = deps.store.ReleaseNamespace(instance.ns, instance.id);
  if (!released) return FromClusterError(Current(context), released.error());
  if (!*released) {
    auto plans = deps.store.PlansInNamespace(instance.ns);
    if (!plans) return FromClusterError(Current(context), plans.error());
    std::string mine = context.operation.plan;
    if (context.operation.verb == "delete") {  // what counts is what the create planned
      store::OperationFilter filter;
      filter.instance_id = instance.id;
      filter.verb = "create";
      filter.limit = 1;
      const auto created = deps.store.ListOperations(filter);
      if (!created) return FromClusterError(Current(context), created.error());
      if (!created->empty()) mine = created->front().plan;
    }
    if (auto quota = ApplyQuota(deps.cluster, instance.ns, *plans, mine); !quota)
      return FromClusterError(Current(context), quota.error());
    return StageOutcome::Of(
        StageSkipped{"NamespaceInUse", "other instances of the project live in " + instance.ns});
  }
  auto waiting = RemoveNamespace(deps.cluster, instance);
  if (!waiting) return FromClusterError(Current(context), waiting.error());
  if (*waiting)
    return Waits(**waiting, "WaitingForDeletion", "namespace " + instance.ns + " is being deleted",
                 LookAgainMs(deps, context));
  context.pending.forget_namespace = instance.ns;
  return StageOutcome::Of(StageReady{""});
}

}  // namespace slipway::pipeline
