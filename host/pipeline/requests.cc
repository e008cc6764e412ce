// Lifecycle, the callers' half: what a cancel, a retry and a new operation do to what there is.
#include <algorithm>

#include "pipeline/lifecycle.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

using store::OperationRecord;
using store::OperationState;
using store::StageRecord;
using store::StageState;

Error InProgress(const OperationRecord& live) {
  return Error{Code::kConflict, "OperationInProgress",
               "operation " + live.id + " (" + live.verb + ") works on the instance"}
      .At(live.id);
}

bool IsKept(const OperationRecord& operation) {
  return (operation.state == OperationState::kFailed ||
          operation.state == OperationState::kCancelled) &&
         operation.rollback_outcome == "RETAINED";
}

// The stage that stopped it, else the current one, as if it had never begun.
void StartAfresh(OperationRecord& operation) {
  const auto failed =
      std::find_if(operation.stages.begin(), operation.stages.end(),
                   [](const StageRecord& record) { return record.state == StageState::kFailed; });
  if (failed != operation.stages.end())
    operation.stage = static_cast<size_t>(failed - operation.stages.begin());
  if (operation.stage >= operation.stages.size()) return;
  StageRecord& current = operation.stages[operation.stage];
  StageRecord fresh;
  fresh.name = current.name;
  fresh.rollback = current.rollback;
  current = std::move(fresh);
}

store::OperationEdit Superseded(OperationRecord live, const std::string& by, int64_t now_ms) {
  live.state = OperationState::kCancelled;
  live.finished_ms = now_ms;
  live.error = Json::Obj({{"code", CodeName(Code::kCancelled)},
                          {"reason", "Superseded"},
                          {"message", "operation " + by + " took its place"}});
  for (StageRecord& record : live.stages) {
    if (record.state != StageState::kRunning) continue;
    record.state = StageState::kFailed;
    record.reason = "Superseded";
    record.waiting_for.reset();
    record.finished_ms = std::max(now_ms, record.started_ms);
  }
  const Json data = Json::Obj({{"reason", "Superseded"}, {"by", by}});
  store::OperationEdit edit;
  edit.events = {{0, live.id, now_ms, "operation.cancelled", data.Dump()}};
  edit.takes_over = true;
  edit.operation = std::move(live);
  return edit;
}

}  // namespace

bool MayBeTakenBack(const OperationRecord& operation) {
  return !store::IsTerminal(operation.state) && operation.rollback_reason.empty() &&
         (PolicyOf(operation.verb).cancellable || MayFailNow(operation));
}

bool MayCancel(const OperationRecord& operation) {
  return MayBeTakenBack(operation) && !operation.cancel_asked;
}

Result<store::OperationEdit> Cancel(const OperationRecord& operation, int64_t now_ms) {
  store::OperationEdit edit;
  edit.operation = operation;
  const bool asked_before = operation.cancel_asked && !store::IsTerminal(operation.state);
  if (asked_before) return edit;
  if (!MayCancel(operation)) {
    const char* why = store::IsTerminal(operation.state) ? "the operation is over"
                      : operation.rollback_reason.empty()
                          ? "an operation of this verb cannot be taken back"
                          : "the operation is being undone already";
    return Error{Code::kPrecondition, "OperationNotCancellable", why};
  }
  edit.operation.cancel_asked = true;
  edit.events = {{0, operation.id, now_ms, "operation.cancel_asked", "{}"}};
  return edit;
}

Result<store::OperationEdit> Retry(const OperationRecord& operation,
                                   const store::InstanceRecord& instance,
                                   const OperationRecord* live, const std::optional<EnginePin>& pin,
                                   int64_t now_ms) {
  store::OperationEdit edit;
  edit.operation = operation;
  OperationRecord& again = edit.operation;
  const bool blocked = operation.state == OperationState::kBlocked;
  if (!store::IsTerminal(operation.state) && !blocked) return edit;  // looked at again at once
  if (!blocked && !IsKept(operation))
    return Error{Code::kPrecondition, "OperationNotRetryable",
                 "only a blocked operation, or one that failed and kept what it made, can go on"};
  if (live != nullptr && live->id != operation.id) return InProgress(*live);
  if (instance.deleted_ms != 0)
    return Error{Code::kPrecondition, "OperationNotRetryable", "the instance is deleted"};
  StartAfresh(again);
  const bool undoing = blocked && !operation.rollback_reason.empty();
  again.state = !undoing                                   ? OperationState::kRunning
                : operation.rollback_reason == "Cancelled" ? OperationState::kCancelling
                                                           : OperationState::kRollingBack;
  again.error = Json();
  again.finished_ms = 0;
  again.cancel_asked = false;
  if (!undoing) {
    again.rollback_reason.clear();
    again.rollback_outcome.clear();
    // An operation that ends its instance keeps the list of what it leaves standing.
    if (!PolicyOf(again.verb).ends_instance) again.remnants = Json::MakeArray();
  }
  if (pin) {
    again.engine_version = pin->version;
    again.engine_sha256 = pin->sha256;
  }
  edit.events = {{0, operation.id, now_ms, "operation.retried", "{}"}};
  edit.takes_over = true;
  return edit;
}

Result<store::Admission> Admit(const OperationRecord& wanted, const store::InstanceRecord& instance,
                               const OperationRecord* live, int64_t now_ms) {
  const VerbPolicy& policy = PolicyOf(wanted.verb);
  store::Admission out;
  if (live == nullptr) {
    const bool stands = instance.state == "ACTIVE" || instance.state == "DEGRADED";
    if (!stands && !policy.supersedes)
      return Error{Code::kConflict, "WrongState",
                   "the instance is " + instance.state + "; " + wanted.verb +
                       " works on one that is ACTIVE or DEGRADED"};
    return out;
  }
  if (!policy.supersedes) return InProgress(*live);
  if (PolicyOf(live->verb).supersedes) {
    out.join = true;
    return out;
  }
  out.superseded = Superseded(*live, wanted.id, now_ms);
  return out;
}

std::optional<store::InstanceChange> InstanceAfter(const OperationRecord& operation,
                                                   const store::InstanceRecord& instance) {
  const VerbPolicy& policy = PolicyOf(operation.verb);
  // A verb without states of its own says nothing about the instance, however it ends.
  if (policy.instance_meanwhile.empty() && policy.instance_after.empty()) return std::nullopt;
  store::InstanceChange change;
  change.state = policy.instance_meanwhile.empty() ? instance.state : policy.instance_meanwhile;
  change.reason = instance.reason;
  change.message = instance.message;
  const auto because_of_error = [&] {
    change.reason = operation.error["reason"].AsString();
    change.message = operation.error["message"].AsString();
  };
  if (operation.state == OperationState::kSucceeded) {
    change.deleted = policy.demolishes;
    if (!policy.instance_after.empty()) change.state = policy.instance_after;
    if (policy.changes_spec) change.spec = operation.spec;
    change.reason = change.message = "";
  } else if (operation.state == OperationState::kBlocked) {
    because_of_error();
  } else if (store::IsTerminal(operation.state)) {
    because_of_error();
    if (policy.changes_spec && !operation.rollback_reason.empty() && HasEffects(operation))
      change.spec = operation.spec;
    if (policy.makes_instance) {
      change.state = "FAILED";
      change.deleted = operation.rollback_outcome == "COMPLETE";
    } else if (!policy.instance_meanwhile.empty()) {
      // The instance stands; the next look says how it is.
      change.state = "ACTIVE";
    }
  } else if (policy.ends_instance) {
    change.reason = change.message = "";
  }
  if (change.spec == instance.spec) change.spec.reset();
  if (!change.spec && change.state == instance.state && change.reason == instance.reason &&
      change.message == instance.message && !change.deleted)
    return std::nullopt;
  return change;
}

}  // namespace slipway::pipeline
