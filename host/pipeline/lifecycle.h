#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "store/store.h"

namespace slipway::pipeline {

// What can happen to an operation. Each is one fact; Transition says what follows from it.
struct Started {};

struct Resumed {};  // after a retry: the stage that failed begins anew

struct Planned {  // the engine's plan; `skips` name stages that will do nothing, and why

  struct Skip {
    std::string stage, reason, message;
  };

  std::string plan, engine, engine_version, engine_sha256;
  std::vector<Skip> skips;
};

struct StageReady {
  std::string message;
};

struct StageSkipped {
  std::string reason, message;
};

struct StageWaits {  // progress, nothing wrong
  std::optional<store::WaitingFor> waiting_for;
  std::string reason, message;
};

struct StageRetries {  // this try failed, another one follows
  Error error;
  std::optional<store::WaitingFor> waiting_for;
};

struct StageFails {
  Error error;
};

struct StageBlocks {  // a person must act
  Error error;
};

struct CancelAsked {};

using Input = std::variant<Started, Resumed, Planned, StageReady, StageSkipped, StageWaits,
                           StageRetries, StageFails, StageBlocks, CancelAsked>;

struct Outcome {
  store::OperationRecord operation;
  std::vector<store::EventRecord> events;
  bool changed = false;  // false: nothing worth a commit
};

// The one place that decides what an operation and its instance become. Pure: the store keeps what
// is decided here, the tick brings the inputs. The operation must be live.
//
//   PENDING ─started→ RUNNING ⇄ WAITING ─last stage ready→ SUCCEEDED
//                        │  └─blocks→ BLOCKED ─retry→ RUNNING
//                        ├─fails, kept (RETAIN, or the verb undoes nothing)→ FAILED ─retry→ RUNNING
//                        ├─fails, undone or reverted→ ROLLING_BACK → FAILED
//                        └─cancel→ CANCELLING (the steps of ROLLING_BACK, or none) → CANCELLED
//
// A failure while rolling back ends the rollback PARTIAL. A verb that is never given up blocks.
Outcome Transition(store::OperationRecord operation, const Input& input, int64_t now_ms);

// True until the operation is over or being undone, and cancel was not asked before.
bool MayCancel(const store::OperationRecord& operation);
// Can it still be cancelled, whether that was asked or not?
bool MayBeTakenBack(const store::OperationRecord& operation);
// Marks the operation; the next tick undoes it. Again: nothing new. kPrecondition
// "OperationNotCancellable".
Result<store::OperationEdit> Cancel(const store::OperationRecord& operation, int64_t now_ms);

// The engine version that goes on with an operation whose own cannot.
struct EnginePin {
  std::string version, sha256;
};

// Over and kept, or blocked: the stage that failed starts afresh; one of an undo goes on undoing.
// Waiting: looked at again at once, nothing changes. kPrecondition "OperationNotRetryable",
// kConflict "OperationInProgress".
Result<store::OperationEdit> Retry(const store::OperationRecord& operation,
                                   const store::InstanceRecord& instance,
                                   const store::OperationRecord* live,
                                   const std::optional<EnginePin>& pin, int64_t now_ms);

// May a new operation of this verb start? kConflict "OperationInProgress" names the one that runs;
// kConflict "WrongState".
Result<store::Admission> Admit(const store::OperationRecord& wanted,
                               const store::InstanceRecord& instance,
                               const store::OperationRecord* live, int64_t now_ms);

// The instance as a user sees it while and after the operation; nullopt when nothing changes.
std::optional<store::InstanceChange> InstanceAfter(const store::OperationRecord& operation,
                                                   const store::InstanceRecord& instance);

// The places in the spec that the operation's way back leaves as they are: what the engine was
// asked for and cannot take back, as the plan says.
std::vector<std::string> KeptByRevert(const store::OperationRecord& operation);

// False: nothing was made yet, so there is nothing to undo.
bool HasEffects(const store::OperationRecord& operation);

}  // namespace slipway::pipeline
