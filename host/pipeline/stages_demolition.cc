// Taking down, for a delete and for an undo alike: deletes by uid from the inventory, then looks
// until nothing is left. An engine says in which order; without one it is the reverse of the order
// in which the objects were applied.
#include <algorithm>

#include "pipeline/effects.h"
#include "pipeline/failures.h"
#include "pipeline/namespaces.h"
#include "pipeline/quota.h"
#include "pipeline/stages.h"
#include "pipeline/verbs.h"
#include "pipeline/volumes.h"

namespace slipway::pipeline {
namespace {

constexpr int64_t kLookMs = 300, kMaxLookMs = 1500;

// Soon at first, then seldom: a namespace takes its controller five seconds at least.
int64_t LookAgainMs(Tick& tick) {
  return std::clamp(tick.stage().spent_ms / 2, kLookMs, kMaxLookMs);
}

StageOutcome StillThere(Tick& tick, const store::WaitingFor& standing) {
  return Waits(standing, "WaitingForDeletion",
               standing.kind + " " + standing.name + " is being deleted", LookAgainMs(tick));
}

// Deletes or checks one object of the inventory. A value when it still stands.
Result<std::optional<store::WaitingFor>> Remove(Tick& tick, const Warrant& warrant,
                                                const store::ObjectRecord& record) {
  const store::ObjectRecord copy = record;
  TRY(const RemovalState state,
      RemoveObject(tick.deps().cluster, warrant, tick.instance().id, copy));
  if (state.state == Removal::kDeleting)
    return std::optional(store::WaitingFor{
        copy.kind, copy.ns, copy.name,
        state.finalizers.empty() ? "Terminating" : "Finalizers: " + state.finalizers});
  if (state.state == Removal::kNotOurs)
    tick.deps().log.Warn("op.object_not_ours",
                         {{"op", tick.operation().id}, {"kind", copy.kind}, {"name", copy.name}});
  tick.inventory().Erase(copy);
  return std::optional<store::WaitingFor>();
}

// What an engine may have deleted: an object of the inventory, or a claim that is observed, so one
// with our label: a StatefulSet makes claims and leaves them. Nothing else.
std::optional<store::ObjectRecord> Deletable(Tick& tick, const Json& observed,
                                             const store::ObjectRecord& like) {
  if (const store::ObjectRecord* known = tick.inventory().Find(like)) return *known;
  if (like.api_version != "v1" || like.kind != "PersistentVolumeClaim") return std::nullopt;
  for (const Json& object : observed.items()) {
    store::ObjectRecord record = RecordOf(object);
    if (store::SameObject(record, like)) return record;
  }
  return std::nullopt;
}

// Deletes what the engine names now. An outcome means that it is not the host's turn yet.
std::optional<StageOutcome> AsTheEngineSays(Tick& tick, const Warrant& warrant) {
  Answer answer;
  if (auto unanswered = tick.AskEngine(answer)) return unanswered;
  std::optional<store::WaitingFor> holds;
  for (const engine::Effect& effect : answer.result.effects) {
    const auto* wanted = std::get_if<engine::DeleteEffect>(&effect);
    if (wanted == nullptr) continue;  // nothing is made in a deletion
    store::ObjectRecord like;
    like.api_version = wanted->object.api_version;
    like.kind = wanted->object.kind;
    like.ns = wanted->object.ns.empty() ? tick.instance().ns : wanted->object.ns;
    like.name = wanted->object.name;
    const auto known = Deletable(tick, answer.observed, like);
    if (!known)
      return FromEngineError(tick,
                             {Code::kInternal, "ForbiddenEffect",
                              "the engine may not delete " + like.kind + " " + like.name +
                                  ": it is neither in the inventory nor a claim of the instance"});
    auto standing = Remove(tick, warrant, *known);
    if (!standing) return FromClusterError(tick, standing.error());
    if (*standing && !holds) holds = **standing;
  }
  if (holds) return StillThere(tick, *holds);
  StageOutcome judged = tick.Judge(answer.result.verdict, answer.result.retry_after_ms);
  if (std::holds_alternative<StageReady>(judged.inputs.back())) return std::nullopt;
  judged.delay_ms = std::min(judged.delay_ms, LookAgainMs(tick));
  return judged;
}

// The host's own turn, and all there is when the engine cannot be asked: the inventory backwards,
// then the claims with the instance's label, until nothing that is watched carries it.
StageOutcome UntilNothingIsLeft(Tick& tick, const Warrant& warrant, bool claims_too) {
  while (!tick.inventory().empty()) {
    auto standing = Remove(tick, warrant, tick.inventory().records().back());
    if (!standing) return FromClusterError(tick, standing.error());
    if (*standing) return StillThere(tick, **standing);
  }
  std::vector<kube::Informer::ObjectPtr> left;
  tick.deps().observer.CollectAll(tick.instance().id, left);
  for (const auto& object : left) {
    if (!claims_too || object->ref.kind != "PersistentVolumeClaim") continue;
    auto standing = Remove(tick, warrant, RecordOf(object->Parse()));
    if (!standing) return FromClusterError(tick, standing.error());
    if (*standing) return StillThere(tick, **standing);
  }
  if (!left.empty()) {
    const kube::ObjectRef& ref = left.front()->ref;
    return Waits({ref.kind, ref.ns, ref.name, "StillThere"}, "WaitingForDeletion",
                 ref.ToString() + " is still there", LookAgainMs(tick));
  }
  return StageOutcome::Of(StageReady{""});
}

// An engine is not waited for when somebody wants its instance gone: quarantined, crashed, no
// longer there, or too much to tell it.
std::optional<Error> EngineCannotBeAsked(Tick& tick) {
  if (auto found = tick.FindEngine(); !found && CannotBeAsked(found.error())) return found.error();
  return std::nullopt;
}

}  // namespace

StageOutcome RunResourceDeletion(Tick& tick, const Warrant& warrant) {
  if (const auto why = EngineCannotBeAsked(tick)) {
    if (RetainsVolumes(tick.operation()))
      return FromEngineError(tick, *why);  // only the engine knows which volumes to keep
    tick.deps().log.Warn(
        "op.deletes_without_engine",
        {{"op", tick.operation().id}, {"engine", tick.instance().engine}, {"reason", why->reason}});
    StageOutcome out = UntilNothingIsLeft(tick, warrant, true);
    if (auto* ready = std::get_if<StageReady>(&out.inputs.back()))
      ready->message = "without the engine's judgement: " + why->reason + ": " + why->message;
    return out;
  }
  if (auto found = tick.FindEngine(); !found) return FromEngineError(tick, found.error());
  if (RetainsVolumes(tick.operation())) {
    if (auto retained = RetainVolumes(tick); !retained)
      return FromClusterError(tick, retained.error());
  }
  if (auto unfinished = AsTheEngineSays(tick, warrant)) {
    const auto* blocks = std::get_if<StageBlocks>(&unfinished->inputs.back());
    const bool cannot = blocks != nullptr && CannotBeAsked(blocks->error);
    if (!cannot || RetainsVolumes(tick.operation())) return *std::move(unfinished);
    StageOutcome out = UntilNothingIsLeft(tick, warrant, true);
    if (auto* ready = std::get_if<StageReady>(&out.inputs.back()))
      ready->message = "without the engine's judgement: " + blocks->error.message;
    return out;
  }
  return UntilNothingIsLeft(tick, warrant, false);
}

StageOutcome RunNamespaceDeletion(Tick& tick, const Warrant& warrant) {
  const auto& instance = tick.instance();
  const TickDeps& deps = tick.deps();
  const auto last = deps.store.LeaveNamespace(instance);
  if (!last) return FromClusterError(tick, last.error());
  if (!*last) {
    // A quota in a namespace that has gone meanwhile is gone, too.
    if (auto quota = SettleQuota(deps.cluster, deps.store, instance.ns);
        !quota && quota.error().code != Code::kNotFound)
      return FromClusterError(tick, quota.error());
    return StageOutcome::Of(
        StageSkipped{"NamespaceInUse", "other instances of the project live in " + instance.ns});
  }
  auto waiting = RemoveNamespace(deps.cluster, warrant, instance);
  if (!waiting) return FromClusterError(tick, waiting.error());
  if (*waiting)
    return Waits(**waiting, "WaitingForDeletion", "namespace " + instance.ns + " is being deleted",
                 LookAgainMs(tick));
  tick.pending().forget_namespace = instance.ns;
  return StageOutcome::Of(StageReady{""});
}

}  // namespace slipway::pipeline
