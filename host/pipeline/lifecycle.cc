#include "pipeline/lifecycle.h"

#include <algorithm>
#include <utility>

#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

using store::OperationState;
using store::StageRecord;
using store::StageState;

Json WaitingJson(const store::WaitingFor& w) {
  Json out =
      Json::Obj({{"kind", w.kind}, {"namespace", w.ns}, {"name", w.name}, {"reason", w.reason}});
  if (!w.message.empty()) out.Set("message", w.message);
  return out;
}

// Messages come from engines, operators and API servers: what a person reads fits here.
constexpr size_t kLongestMessage = 4096;

// Has the engine been asked for anything?
bool EngineBegan(const store::OperationRecord& operation) {
  const VerbPolicy& policy = PolicyOf(operation.verb);
  return std::any_of(operation.stages.begin(), operation.stages.end(), [&](const auto& record) {
    return !record.rollback && record.started_ms != 0 && IsEngineStage(policy, record.name);
  });
}

// From here on the previous spec is the goal, but for what cannot be taken back.
void TurnBack(store::OperationRecord& operation) {
  Json goal = Json::ParseObject(operation.previous_spec);
  for (const std::string& path : KeptByRevert(operation))
    goal.SetAt(path, Json::ParseObject(operation.spec).At(path));
  operation.previous_spec = std::exchange(operation.spec, goal.Dump());
}

void Shorten(std::string& text) {
  if (text.size() <= kLongestMessage) return;
  size_t end = kLongestMessage;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  text += "… (cut)";
}

bool SameWaiting(const std::optional<store::WaitingFor>& a,
                 const std::optional<store::WaitingFor>& b) {
  return a.has_value() == b.has_value() && (!a || a->SameAs(*b));
}

Json ErrorJson(const Error& error) {
  std::string message = error.message;
  Shorten(message);
  Json out = Json::Obj(
      {{"code", CodeName(error.code)}, {"reason", error.reason}, {"message", std::move(message)}});
  if (!error.field.empty()) out.Set("field", error.field);
  return out;
}

class Machine {
 public:
  Machine(store::OperationRecord operation, int64_t now_ms) : now_ms_(now_ms) {
    out_.operation = std::move(operation);
  }

  Outcome Take() { return std::move(out_); }

  void operator()(const Started&) {
    op().state = OperationState::kRunning;
    op().started_ms = now_ms_;
    Emit("operation.started", Json::MakeObject());
    Enter();
  }

  void operator()(const Resumed&) {
    op().error = Json();
    op().rollback_outcome.clear();
    Enter();
  }

  void operator()(const Planned& planned) {
    op().plan = planned.plan;
    op().engine = planned.engine;
    op().engine_version = planned.engine_version;
    op().engine_sha256 = planned.engine_sha256;
    for (const auto& skip : planned.skips) {
      for (StageRecord& record : op().stages) {
        if (record.rollback || record.name != skip.stage || record.state != StageState::kPending)
          continue;
        record.state = StageState::kSkipped;
        record.reason = skip.reason;
        record.message = skip.message;
      }
    }
    out_.changed = true;
  }

  void operator()(const StageReady& ready) {
    Finish(StageState::kSucceeded, "", ready.message);
    Next();
  }

  void operator()(const StageSkipped& skipped) {
    Finish(StageState::kSkipped, skipped.reason, skipped.message);
    Next();
  }

  void operator()(const StageWaits& waits) {
    StageRecord& record = current();
    std::string message = waits.message;
    Shorten(message);
    const bool quiet = op().state != OperationState::kRunning;
    const bool same = SameWaiting(record.waiting_for, waits.waiting_for) &&
                      record.reason == waits.reason && record.message == message &&
                      record.error.is_null();
    if (same && quiet) return;
    SetWaiting(waits.waiting_for);
    record.reason = waits.reason;
    record.message = std::move(message);
    record.error = Json();
    record.attempts = 0;
    if (op().state == OperationState::kRunning || op().state == OperationState::kBlocked)
      op().state = OperationState::kWaiting;
    if (!same) EmitStage("stage.waiting", record);
    out_.changed = true;
  }

  void operator()(const StageRetries& retries) {
    StageRecord& record = current();
    const auto kind = [](const auto& waiting_for) { return waiting_for ? waiting_for->kind : ""; };
    // What an outage of one thing used up is not taken from the tries of another.
    if (kind(record.waiting_for) != kind(retries.waiting_for)) record.attempts = 0;
    ++record.attempts;
    Json error = ErrorJson(retries.error);
    const bool same = record.error == error;
    SetWaiting(retries.waiting_for);
    record.error = std::move(error);
    if (op().state == OperationState::kRunning) op().state = OperationState::kWaiting;
    if (!same) EmitStage("stage.retrying", record);
    out_.changed = true;
  }

  void operator()(const StageBlocks& blocks) {
    StageRecord& record = current();
    // Nobody waits for a drill to go on.
    if ((policy().is_drill && !record.rollback) || MayFailNow(op())) {
      (*this)(StageFails{blocks.error});
      return;
    }
    record.error = ErrorJson(blocks.error);
    SetError(blocks.error);
    op().state = OperationState::kBlocked;
    EmitStage("operation.blocked", record);
    out_.changed = true;
  }

  void operator()(const StageFails& fails) {
    if (current().rollback) {
      current().error = ErrorJson(fails.error);
      Finish(StageState::kFailed, fails.error.reason, fails.error.message);
      EndRollback("PARTIAL");
      return;
    }
    if (policy().after_failure == AfterFailure::kNeverGiveUp && !MayFailNow(op())) {
      (*this)(StageBlocks{fails.error});
      return;
    }
    current().error = ErrorJson(fails.error);
    SetError(fails.error);
    Finish(StageState::kFailed, fails.error.reason, fails.error.message);
    if (Keeps()) {
      if (policy().after_failure != AfterFailure::kNeverGiveUp) op().rollback_outcome = "RETAINED";
      End(OperationState::kFailed);
    } else {
      BeginRollback("Failed");
    }
  }

  void operator()(const CancelAsked&) {
    if (!MayBeTakenBack(op())) return;
    SetError({Code::kCancelled, "Cancelled", "cancelled on request"});
    if (op().stage < op().stages.size() && current().state == StageState::kRunning)
      Finish(StageState::kFailed, "Cancelled", "cancelled on request");
    if (Keeps()) {
      if (policy().after_failure != AfterFailure::kNeverGiveUp) op().rollback_outcome = "RETAINED";
      End(OperationState::kCancelled);
    } else {
      BeginRollback("Cancelled");
    }
  }

 private:
  store::OperationRecord& op() { return out_.operation; }

  const VerbPolicy& policy() { return PolicyOf(op().verb); }

  // What the operation made stays when it fails or is cancelled.
  bool Keeps() { return WayBackOf(policy()).empty() || op().on_failure == "RETAIN"; }

  StageRecord& current() { return op().stages.at(op().stage); }

  void Emit(std::string type, const Json& data) {
    store::EventRecord event;
    event.operation_id = op().id;
    event.at_ms = now_ms_;
    event.type = std::move(type);
    event.data = data.Dump();
    out_.events.push_back(std::move(event));
    out_.changed = true;
  }

  void EmitStage(std::string type, const StageRecord& record) {
    Json data = Json::Obj({{"stage", record.name}, {"state", Name(record.state)}});
    if (record.rollback) data.Set("rollback", true);
    if (!record.reason.empty()) data.Set("reason", record.reason);
    if (!record.message.empty()) data.Set("message", record.message);
    if (record.waiting_for) data.Set("waitingFor", WaitingJson(*record.waiting_for));
    if (!record.error.is_null()) data.Set("error", record.error);
    if (record.finished_ms > 0 && record.started_ms > 0)
      data.Set("durationMs", std::max<int64_t>(0, record.finished_ms - record.started_ms));
    Emit(std::move(type), data);
  }

  void SetWaiting(const std::optional<store::WaitingFor>& waiting_for) {
    StageRecord& record = current();
    const bool same = waiting_for && record.waiting_for && record.waiting_for->SameAs(*waiting_for);
    const int64_t since = same ? record.waiting_for->since_ms : now_ms_;
    const int64_t spent = same ? record.waiting_for->since_spent_ms : record.spent_ms;
    record.waiting_for = waiting_for;
    if (!record.waiting_for) return;
    record.waiting_for->since_ms = since;
    record.waiting_for->since_spent_ms = spent;
    Shorten(record.waiting_for->message);
  }

  void SetError(const Error& error) {
    op().error = ErrorJson(error);
    if (op().stage < op().stages.size()) {
      op().error.Set("stage", current().name);
      if (current().waiting_for) op().error.Set("waitingFor", WaitingJson(*current().waiting_for));
    }
  }

  void Enter() {
    StageRecord& record = current();
    record.state = StageState::kRunning;
    if (record.started_ms == 0) record.started_ms = now_ms_;
    EmitStage("stage.started", record);
  }

  void Finish(StageState state, std::string reason, std::string message) {
    StageRecord& record = current();
    record.state = state;
    record.reason = std::move(reason);
    record.message = std::move(message);
    Shorten(record.message);
    record.finished_ms = std::max(now_ms_, record.started_ms);  // the wall clock may go back
    if (state != StageState::kFailed) {
      record.waiting_for.reset();
      record.error = Json();
      record.attempts = 0;
    }
    EmitStage(state == StageState::kSucceeded ? "stage.succeeded"
              : state == StageState::kSkipped ? "stage.skipped"
                                              : "stage.failed",
              record);
  }

  void Next() {
    const bool rolling_back = !op().rollback_reason.empty();
    while (++op().stage < op().stages.size()) {
      if (current().state == StageState::kSkipped) {
        current().started_ms = current().finished_ms = now_ms_;
        EmitStage("stage.skipped", current());
        continue;
      }
      if (!rolling_back) op().state = OperationState::kRunning;
      Enter();
      return;
    }
    op().stage = op().stages.size() - 1;
    if (rolling_back) {
      EndRollback("COMPLETE");
    } else {
      op().error = Json();
      End(OperationState::kSucceeded);
    }
  }

  void BeginRollback(const char* reason) {
    op().rollback_reason = reason;
    op().state = op().rollback_reason == "Cancelled" ? OperationState::kCancelling
                                                     : OperationState::kRollingBack;
    Emit("operation.rolling_back", Json::Obj({{"reason", reason}}));
    if (!HasEffects(op())) {
      EndRollback("COMPLETE");
      return;
    }
    op().stage = op().stages.size();
    for (StageRecord& record : WayBackOf(policy())) op().stages.push_back(std::move(record));
    if (policy().after_failure == AfterFailure::kRevert) TurnBack(op());
    Enter();
  }

  void EndRollback(const char* outcome) {
    op().rollback_outcome = outcome;
    if (op().rollback_outcome == "COMPLETE") {
      for (StageRecord& record : op().stages) {
        if (!record.rollback && record.state == StageState::kSucceeded)
          record.state = StageState::kCompensated;
      }
    }
    End(op().rollback_reason == "Cancelled" ? OperationState::kCancelled : OperationState::kFailed);
  }

  void End(OperationState state) {
    op().state = state;
    op().finished_ms = now_ms_;
    Json data = Json::MakeObject();
    if (!op().error.is_null()) data.Set("error", op().error);
    if (!op().rollback_outcome.empty()) data.Set("rollback", op().rollback_outcome);
    const char* type = state == OperationState::kSucceeded   ? "operation.succeeded"
                       : state == OperationState::kCancelled ? "operation.cancelled"
                                                             : "operation.failed";
    Emit(type, data);
  }

  const int64_t now_ms_;
  Outcome out_;
};

}  // namespace

std::vector<std::string> KeptByRevert(const store::OperationRecord& operation) {
  std::vector<std::string> out;
  if (!EngineBegan(operation)) return out;
  const Json plan = Json::ParseObject(operation.plan);
  for (const Json& change : plan["changes"].items()) {
    if (!change["revertible"].AsBool(true)) out.push_back(change["path"].AsString());
  }
  return out;
}

bool HasEffects(const store::OperationRecord& operation) {
  for (const StageRecord& record : operation.stages) {
    if (record.name != stage::kValidating && record.started_ms != 0 &&
        record.state != StageState::kSkipped)
      return true;
  }
  return false;
}

Outcome Transition(store::OperationRecord operation, const Input& input, int64_t now_ms) {
  Machine machine(std::move(operation), now_ms);
  std::visit(machine, input);
  return machine.Take();
}

}  // namespace slipway::pipeline
