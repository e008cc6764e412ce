#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace slipway::engine {

// An engine's input documents (sdk/DOCUMENTS.md). Only this module writes them. A missing member
// does not compile. Contract 1.1; an engine of 1.0 ignores unknown members.

// The engine's view of the instance.
struct InstanceFacts {
  std::string id, name, ns, seed, organization, project;

  Json ToJson() const;
};

// Names an object of the cluster.
struct ObjectRef {
  std::string api_version, kind, ns, name;

  bool operator==(const ObjectRef&) const = default;
};

// An object that was applied and may still exist.
struct InventoryLine {
  std::string api_version, kind, ns, name;
  std::string uid = {};  // "": nobody has seen it exist
};

struct ValidateInput {
  std::string verb;
  std::string name, ns;  // of the instance, which may not exist yet
  Json spec = Json::MakeObject();
  Json previous = {};  // the current spec, or null
  Json arguments = Json::MakeObject();

  Json ToJson() const;
};

struct PlanInput {
  std::string verb;
  std::string operation_id;
  int64_t operation_started_ms = 0;
  InstanceFacts instance;
  Json spec = Json::MakeObject();
  Json previous = {};
  Json arguments = Json::MakeObject();

  Json ToJson() const;
};

struct StepInput {
  std::string verb;
  std::string operation_id;
  int64_t operation_started_ms = 0;
  std::string stage;
  int64_t attempt = 1;
  int64_t stage_started_ms = 0;
  int64_t now_ms = 0;
  InstanceFacts instance;
  Json spec = Json::MakeObject();
  Json previous = {};
  Json arguments = Json::MakeObject();
  Json carry = Json::MakeObject();    // from the plan
  Json facts = Json::MakeObject();    // {"kinds": {"apiVersion/Kind": true}}
  Json observed = Json::MakeArray();  // objects
  std::vector<InventoryLine> inventory;
  Json needs = Json::MakeObject();  // the objects that `need` asked for, by its names

  Json ToJson() const;
};

}  // namespace slipway::engine
