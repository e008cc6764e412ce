#pragma once

#include <string>
#include <vector>

#include "pipeline/create.h"

namespace slipway::pipeline {

// One difference between two specs. `how`: as the engine's plan says (NONE RELOAD IN_PLACE
// ROLLING_RESTART RECREATE); where it says nothing, the worst that a verb of the kind does.
struct SpecChange {
  std::string path;  // a JSON Pointer into the spec
  Json from, to;     // null: not there
  std::string how;
  bool revertible = true;
  std::string loses;
};

// What an update would do. `hash` is another one as soon as anything of it is.
struct UpdatePlan {
  Json spec;  // the goal
  std::vector<SpecChange> changes;
  Json quota_before, quota_after;  // of this instance
  std::vector<Warning> warnings;
  int64_t members = 1;
  std::string hash;

  bool Restarts() const;
};

// The names of the members of a PATCH that change the spec, in the order of the documents.
inline constexpr const char* kSpecFields[] = {"tier",   "instances", "storage",
                                              "memory", "cpu",       "parameters"};

// The spec that the instance would have: `changes` has members of kSpecFields, of the right types;
// `parameters` is a merge patch. A tier brings its sizes along, but for a smaller storage.
// kInvalid "ValidationFailed" with every problem in `findings`; kUnavailable "EngineUnavailable",
// "EngineQuarantined".
Result<Json> ResolveUpdate(const store::InstanceRecord& instance, const Json& changes,
                           const CreateContext& context, Findings& findings);

// What going to `spec` does, by the engine's own plan. Errors as above.
Result<UpdatePlan> PlanUpdate(const store::InstanceRecord& instance, const Json& spec,
                              const CreateContext& context);

// `plan`, with the quota of both specs for the time in which both may need theirs.
Result<Json> WithBothQuotas(Json plan, const Json& before);
// `plan`, with the quota of the goal, or of the spec that it went back to.
Json WithOneQuota(Json plan, bool reverted);

}  // namespace slipway::pipeline
