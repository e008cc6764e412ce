#include "pipeline/runner.h"

namespace slipway::pipeline {
namespace {

using store::OperationState;

constexpr int64_t kStoreRetryMs = 1000;

}  // namespace

Runner::Runner(const TickDeps& deps, Metrics& metrics) : deps_(deps), health_(deps) {
  ticks_ = metrics.GetCounter("slipway_ticks_total", "Looks at an instance.");
  const std::string name = "slipway_operations_ended_total",
                    help = "Operations that ended, by state.";
  succeeded_ = metrics.GetCounter(name, help, {{"state", "SUCCEEDED"}});
  failed_ = metrics.GetCounter(name, help, {{"state", "FAILED"}});
  cancelled_ = metrics.GetCounter(name, help, {{"state", "CANCELLED"}});
}

int64_t Runner::Look(const std::string& instance_id) {
  ticks_.Add();
  auto live = deps_.store.LiveOperation(instance_id);
  if (!live) {
    deps_.log.Error("store.read_failed",
                    {{"instance", instance_id}, {"reason", live.error().message}});
    return kStoreRetryMs;
  }
  if (!*live) return health_.Look(instance_id);
  auto instance = deps_.store.GetInstance(instance_id);
  auto inventory = deps_.store.Inventory(instance_id);
  if (!instance || !inventory) return kStoreRetryMs;
  Tick tick(deps_, std::move(**live), *std::move(instance), *std::move(inventory));
  const int64_t delay_ms = tick.Run();
  if (tick.operation().state == OperationState::kSucceeded) succeeded_.Add();
  if (tick.operation().state == OperationState::kFailed) failed_.Add();
  if (tick.operation().state == OperationState::kCancelled) cancelled_.Add();
  return delay_ms;
}

void Runner::TellHeld(const std::string& instance_id, const std::string& full_lane) {
  const auto live = deps_.store.LiveOperation(instance_id);
  if (!live || !*live) return;
  const int64_t now = deps_.clock.NowMs();
  store::WaitingFor waiting{"APIServer",   "",  "",
                            "NoAnswerYet", now, "a call for this stage has not been answered yet"};
  if (!full_lane.empty())
    waiting = {
        "Worker",
        "",
        full_lane,
        "Busy",
        now,
        "as many operations of " + full_lane +
            " as may run at once wait for slow answers; this one runs when one of them ends"};
  // In one transaction, for the tick may end at any moment. The next tick that changes something
  // writes over it.
  const auto told = deps_.store.Edit(
      (*live)->id,
      [waiting](const store::OperationRecord& operation, const store::InstanceRecord&,
                const store::OperationRecord*) -> Result<store::OperationEdit> {
        store::OperationEdit edit;
        edit.operation = operation;
        if (store::IsTerminal(operation.state) || operation.stage >= operation.stages.size())
          return edit;
        store::StageRecord& stage = edit.operation.stages[operation.stage];
        if (stage.waiting_for) return edit;  // it has said something already
        stage.waiting_for = waiting;
        return edit;
      },
      std::nullopt, {});
  if (!told) deps_.log.Warn("op.held", {{"instance", instance_id}, {"lane", full_lane}});
}

}  // namespace slipway::pipeline
