#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/inputs.h"

namespace slipway::engine {

// Reads an engine's output documents. Each reader first checks the document against sdk/schema; its
// errors are kInternal "BadDocument" with the JSON Pointer in `field` and in the message. It cuts
// long texts for people and marks the cut.

struct ValidateResult {
  struct Warning {
    std::string field, message;
  };

  Json spec;
  std::vector<Warning> warnings;
};

struct PlanResult {
  struct Skip {
    std::string reason, message;
  };

  struct Stage {
    std::string name, title;
    std::optional<Skip> skip;
  };

  std::vector<Stage> stages;
  Json quota, carry;  // objects
  std::string text;   // the whole plan as a document, for the store
};

// One effect that a step asks for. A new kind of effect is one more alternative.
struct ApplyEffect {
  Json object;
};

struct PatchEffect {
  ObjectRef object;              // without a namespace
  std::string subresource;       // "" or "status"
  std::string resource_version;  // precondition; "" for none
  Json body;                     // a merge patch
};

struct DeleteEffect {
  ObjectRef object;
};

using Effect = std::variant<ApplyEffect, PatchEffect, DeleteEffect>;

struct Verdict {
  enum class State { kProgressing, kReady, kSkipped, kFailed, kBlocked };

  struct WaitingFor {
    std::string kind, ns, name, reason;
  };

  State state = State::kProgressing;
  std::string reason, message;
  std::optional<WaitingFor> waiting_for;
  std::optional<int64_t> percent;
};

// An object by its name, or the objects with a label.
struct Need : ObjectRef {
  std::string label_selector = {};
};

struct StepResult {
  std::vector<Effect> effects;  // in order of execution
  Verdict verdict;
  std::optional<int64_t> retry_after_ms;
  std::map<std::string, Need> need;  // keys: the engine's names
  Json outputs;                      // an object
};

const char* VerdictStateName(Verdict::State state);  // "progressing" …

Result<ValidateResult> ReadValidate(const Json& document);
Result<PlanResult> ReadPlan(const Json& document);
Result<StepResult> ReadStep(const Json& document);

}  // namespace slipway::engine
