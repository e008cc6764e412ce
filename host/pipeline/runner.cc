#include "pipeline/runner.h"

#include <algorithm>

#include "pipeline/endpoints.h"
#include "pipeline/stages.h"

namespace slipway::pipeline {
namespace {

using store::OperationState;

constexpr int kAdvancesATick = 12;
constexpr int64_t kStoreRetryMs = 1000, kLookAgainMs = 500, kAwayMs = 10'000;

bool IsWaiting(const Input& input) {
  return std::holds_alternative<StageWaits>(input) || std::holds_alternative<StageRetries>(input);
}

// When to look at an instance again that could not be judged: soon when only a watch is behind,
// later when the cluster is away, for then nothing will wake us; else at its next change.
int64_t ObserveAgainMs(const Error& error) {
  if (error.reason == "CacheNotSynced" || error.code == Code::kForbidden) return kLookAgainMs;
  return error.code == Code::kUnavailable || error.code == Code::kDeadline ? kAwayMs : -1;
}

bool WaitsForEngine(const store::StageRecord& stage) {
  return stage.waiting_for && stage.waiting_for->kind == "Engine";
}

}  // namespace

Runner::Runner(const TickDeps& deps) : deps_(deps) {
  ticks_ = deps_.metrics.GetCounter("slipway_ticks_total", "Looks at an instance.");
  const std::string name = "slipway_operations_ended_total",
                    help = "Operations that ended, by state.";
  succeeded_ = deps_.metrics.GetCounter(name, help, {{"state", "SUCCEEDED"}});
  failed_ = deps_.metrics.GetCounter(name, help, {{"state", "FAILED"}});
  cancelled_ = deps_.metrics.GetCounter(name, help, {{"state", "CANCELLED"}});
}

int64_t Runner::Tick(const std::string& instance_id) {
  ticks_.Add();
  auto live = deps_.store.LiveOperation(instance_id);
  if (!live) {
    deps_.log.Error("store.read_failed",
                    {{"instance", instance_id}, {"reason", live.error().message}});
    return kStoreRetryMs;
  }
  return *live ? Work(std::move(**live)) : Observe(instance_id);
}

int64_t Runner::Work(store::OperationRecord operation) {
  TickContext context;
  auto instance = deps_.store.GetInstance(operation.instance_id);
  auto inventory = deps_.store.Inventory(operation.instance_id);
  if (!instance || !inventory) return kStoreRetryMs;
  context.instance = *std::move(instance);
  context.inventory = *std::move(inventory);
  context.operation = std::move(operation);
  context.outputs = Json::Parse(context.instance.outputs).operator bool()
                        ? *Json::Parse(context.instance.outputs)
                        : Json::MakeObject();

  for (int advance = 0; advance < kAdvancesATick; ++advance) {
    if (context.operation.state == OperationState::kBlocked && !context.operation.cancel_asked)
      return -1;
    StageOutcome outcome = Look(context);
    const bool waits = IsWaiting(outcome.inputs.back());
    if (auto recorded = Record(context, outcome.inputs); !recorded) {
      if (recorded.error().reason == "FenceLost") {
        deps_.log.Info("op.fence_lost", {{"op", context.operation.id}});
        return 0;  // whoever has it now was woken; look who that is
      }
      deps_.log.Error("store.commit_failed",
                      {{"op", context.operation.id}, {"reason", recorded.error().message}});
      return kStoreRetryMs;
    }
    if (store::IsTerminal(context.operation.state))
      return 0;  // one more look: observe, or the next operation
    if (waits) {
      const auto& stage = context.operation.stages[context.operation.stage];
      if (!HasTimeout(stage, context.operation.verb) || WaitsForEngine(stage))
        return outcome.delay_ms;
      const int64_t left =
          stage.started_ms + deps_.options.StageTimeoutMs(stage.name) - deps_.clock.NowMs();
      return std::clamp<int64_t>(left, 1, std::max<int64_t>(outcome.delay_ms, 1));
    }
  }
  return 0;
}

StageOutcome Runner::Look(TickContext& context) {
  const auto& operation = context.operation;
  if (operation.state == OperationState::kPending) return StageOutcome::Of(Started{});
  if (operation.cancel_asked && operation.rollback_reason.empty() && operation.verb != "delete")
    return StageOutcome::Of(CancelAsked{});
  const auto& stage = operation.stages[operation.stage];
  if (stage.state == store::StageState::kPending) return StageOutcome::Of(Resumed{});
  if (HasTimeout(stage, operation.verb) && !WaitsForEngine(stage) &&
      deps_.clock.NowMs() - stage.started_ms > deps_.options.StageTimeoutMs(stage.name)) {
    std::string message = stage.name + " did not finish in " +
                          std::to_string(deps_.options.StageTimeoutMs(stage.name) / 1000) + " s";
    if (stage.waiting_for)
      message += "; it waited for " + stage.waiting_for->kind + " " + stage.waiting_for->name +
                 ": " + stage.waiting_for->reason;
    if (stage.rollback) context.operation.remnants = Json::MakeArray();
    if (stage.rollback) {
      for (const auto& record : context.inventory) {
        context.operation.remnants.Push(Json::Obj({{"apiVersion", record.api_version},
                                                   {"kind", record.kind},
                                                   {"namespace", record.ns},
                                                   {"name", record.name}}));
      }
    }
    return StageOutcome::Of(StageFails{{Code::kDeadline, "StageDeadlineExceeded", message}});
  }
  return RunStage(context);
}

StageOutcome Runner::RunStage(TickContext& context) {
  const std::string& name = context.operation.stages[context.operation.stage].name;
  if (name == stage::kValidating) return RunPlanning(deps_, context);
  if (name == stage::kNamespaceCreation) return RunNamespaceCreation(deps_, context);
  if (name == stage::kCredentialGen) return RunCredentialGen(deps_, context);
  if (name == stage::kResourceDeletion) return RunResourceDeletion(deps_, context);
  if (name == stage::kNamespaceDeletion) return RunNamespaceDeletion(deps_, context);
  if (name == stage::kCompleted) return StageOutcome::Of(StageReady{""});
  return RunEngineStage(deps_, context);
}

Result<void> Runner::Record(TickContext& context, const std::vector<Input>& inputs) {
  bool changed = context.HasPending();
  store::OperationRecord operation = context.operation;
  std::vector<store::EventRecord> events;
  for (const Input& input : inputs) {
    Outcome outcome = Transition(std::move(operation), input, deps_.clock.NowMs());
    operation = std::move(outcome.operation);
    changed = changed || outcome.changed;
    std::move(outcome.events.begin(), outcome.events.end(), std::back_inserter(events));
  }
  context.operation = std::move(operation);
  TakeInstanceState(context);
  changed = changed || context.pending.instance.has_value();
  if (!changed) return {};
  for (const auto& event : events) {
    deps_.log.Info(event.type, {{"op", context.operation.id},
                                {"instance", context.instance.id},
                                {"engine", context.operation.engine},
                                {"data", event.data}});
  }
  store::Change change = std::move(context.pending);
  context.pending = {};
  change.operation = context.operation;
  change.events = std::move(events);
  const std::optional<store::InstanceChange> instance = change.instance;
  TRY_VOID(deps_.store.Commit(std::move(change)));
  if (instance) {
    context.instance.state = instance->state;
    context.instance.reason = instance->reason;
    context.instance.message = instance->message;
    if (instance->outputs) context.instance.outputs = *instance->outputs;
  }
  if (context.operation.state == OperationState::kSucceeded) succeeded_.Add();
  if (context.operation.state == OperationState::kFailed) failed_.Add();
  if (context.operation.state == OperationState::kCancelled) cancelled_.Add();
  return {};
}

// The instance as a user sees it follows from its operation.
void Runner::TakeInstanceState(TickContext& context) const {
  const auto& operation = context.operation;
  store::InstanceChange change{context.instance.state,
                               context.instance.reason,
                               context.instance.message,
                               std::nullopt,
                               std::nullopt,
                               false};
  const bool undone = operation.rollback_outcome == "COMPLETE";
  if (operation.verb == "delete") {
    change.state = "DELETING";
    change.reason =
        operation.state == OperationState::kBlocked ? operation.error["reason"].AsString() : "";
    change.message =
        operation.state == OperationState::kBlocked ? operation.error["message"].AsString() : "";
    if (operation.state == OperationState::kSucceeded) {
      change.deleted = true;
      context.pending.erase_credentials = true;
    }
  } else if (operation.state == OperationState::kSucceeded) {
    change.state = "ACTIVE";
    change.reason = change.message = "";
  } else if (store::IsTerminal(operation.state)) {
    change.state = "FAILED";
    change.reason = operation.error["reason"].AsString();
    change.message = operation.error["message"].AsString();
    change.deleted = undone;
    context.pending.erase_credentials = undone;
  } else if (operation.state == OperationState::kBlocked) {
    change.reason = operation.error["reason"].AsString();
    change.message = operation.error["message"].AsString();
  }
  std::string outputs = context.outputs.Dump();
  if (outputs != context.instance.outputs) change.outputs = std::move(outputs);
  const bool same =
      change.state == context.instance.state && change.reason == context.instance.reason &&
      change.message == context.instance.message && !change.outputs && !change.deleted;
  if (!same) context.pending.instance = std::move(change);
}

int64_t Runner::Observe(const std::string& instance_id) {
  auto instance = deps_.store.GetInstance(instance_id);
  if (!instance || instance->deleted_ms != 0 ||
      (instance->state != "ACTIVE" && instance->state != "DEGRADED"))
    return -1;
  TickContext context;
  context.instance = *std::move(instance);
  auto outputs = Json::Parse(context.instance.outputs);
  context.outputs = outputs ? *std::move(outputs) : Json::MakeObject();
  context.operation.spec = context.instance.spec;
  if (auto engine = EngineOf(deps_, context); !engine) return -1;
  Json observed;
  auto result = CallStep(deps_, context, "observe", "OBSERVE", observed);
  if (!result) return ObserveAgainMs(result.error());
  if (auto taken = TakeOutputs(deps_, context, (*result)["outputs"], observed); !taken)
    return ObserveAgainMs(taken.error());
  const Json& verdict = (*result)["verdict"];
  const bool ready = verdict["state"].AsString() == "ready";
  store::InstanceChange change;
  change.state = ready ? "ACTIVE" : "DEGRADED";
  change.reason = ready ? "" : verdict["reason"].AsString();
  change.message = ready ? "" : verdict["message"].AsString();
  const std::string text = context.outputs.Dump();
  if (text != context.instance.outputs) change.outputs = text;
  if (change.state == context.instance.state && change.reason == context.instance.reason &&
      change.message == context.instance.message && !change.outputs)
    return -1;
  if (auto updated = deps_.store.UpdateInstance(instance_id, change); !updated)
    return kStoreRetryMs;
  if (change.state != context.instance.state)
    deps_.log.Info("instance.health",
                   {{"instance", instance_id}, {"state", change.state}, {"reason", change.reason}});
  return -1;
}

}  // namespace slipway::pipeline
