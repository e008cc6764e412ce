#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/catalog.h"
#include "pipeline/options.h"
#include "store/store.h"

namespace slipway::pipeline {

// What a caller wants of a new instance, as it came: types are right, nothing else is checked yet.
struct CreateRequest {
  std::string organization, project, name;  // name "" means project
  std::string database_type, tier;
  Json parameters = Json::MakeObject();
  Json backup;  // null: none
  Json source;  // null: an empty database; else what it is restored from, see restore.h
  Json drill;   // null: it is here to stay; else the checks of a restore drill, see drills.h
  Json labels = Json::MakeObject();
  bool deletion_protection = false;
  std::string on_failure = "ROLLBACK";  // or RETAIN
};

struct Warning {
  std::string field, message;
};

// What was found in a request beside its outcome.
struct Findings {
  std::vector<Error> problems;  // JSON Pointer in `field`
  std::vector<Warning> warnings;
};

// The request, resolved: an engine that takes it and the spec that the engine made of it.
struct Resolved {
  std::string name, ns;
  std::string engine;
  Json spec;
  Json arguments = Json::MakeObject();  // of the operation
  int64_t drill_days = -1;              // of the instance's record
};

// "FREE, STANDARD", for a person.
std::string TierNames(const std::vector<Tier>& tiers);

// What a request is resolved by.
struct CreateContext {
  const PipelineOptions& options;
  const engine::Catalog& engines;
  const store::Store& store;
  const Clock& clock;
};

// The one place that says whether a create is valid. `id` is the new instance's. kInvalid
// "ValidationFailed" with every problem in `findings`; kUnavailable "EngineUnavailable",
// "EngineQuarantined".
Result<Resolved> ResolveCreate(const CreateRequest& request, const std::string& id,
                               const CreateContext& context, Findings& findings);

}  // namespace slipway::pipeline
