#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "store/records.h"

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

// Pure. The operation must be live.
//
//   PENDING ─started→ RUNNING ⇄ WAITING ─last stage ready→ SUCCEEDED
//                        │  └─blocks→ BLOCKED ─retry→ RUNNING
//                        ├─fails, RETAIN→ FAILED ─retry→ RUNNING
//                        ├─fails, ROLLBACK→ ROLLING_BACK → FAILED
//                        └─cancel→ CANCELLING (same steps as ROLLING_BACK) → CANCELLED
//
// A failure while rolling back ends the rollback PARTIAL. A delete is never rolled back: it blocks.
Outcome Transition(store::OperationRecord operation, const Input& input, int64_t now_ms);

// Nothing was made yet, so there is nothing to undo.
bool HasEffects(const store::OperationRecord& operation);

}  // namespace slipway::pipeline
