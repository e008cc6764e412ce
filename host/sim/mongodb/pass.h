#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/mongodb/automation_config.h"
#include "sim/mongodb/instance_spec.h"
#include "sim/mongodb/replica_set_objects.h"
#include "sim/mongodb/scaling.h"
#include "sim/operators/pass.h"

namespace slipway::sim::operators::mongodb {

struct Environment : PassEnvironment {
  const Release& release;
};

// What the operator remembers of an instance between passes; everything in it can be lost.
struct InstanceMemory : PassMemory {
  int64_t prepared_generation = -1;  // service, TLS and secrets were looked at for this one
  ConfigSecrets secrets;
  std::map<std::string, std::string> passwords;  // by name of the user's password secret
  bool config_known = false;
  Json config;                               // the stored document, null when there is none
  std::map<std::string, std::string> tried;  // set → its generation and what was wanted of it
  int64_t connected_generation = -1;         // connection strings were written for this one
  std::string connected_with;                // and for these contents
  int failures = 0;
};

// One pass over one MongoDBCommunity.
class InstancePass : public Pass {
 public:
  InstancePass(Environment& environment, InstanceMemory& remembered)
      : Pass(environment, remembered), env(environment), memory(remembered) {}

  // kNotFound when it is gone.
  Result<void> Read(const std::string& ns, const std::string& name);

  // The object or the null value.
  Result<Json> Find(const char* kind, const std::string& name);

  const Json& status() const { return instance["status"]; }

  // The spec that last reached Running, or null.
  Json last_spec() const;
  bool version_changes() const;

  Json* set() { return sets[0].is_object() ? &sets[0] : nullptr; }

  Json* PodNamed(const std::string& name);

  int64_t config_version() const { return memory.config["version"].AsInt(); }

  Environment& env;
  InstanceMemory& memory;
  InstanceSpec spec;
  Json instance;
  Json sets[2];  // the members' and the arbiters', null when absent
  std::vector<Json> pods, claims;
};

// The operator stops here with this status.
struct Stop {
  std::string phase, message;
};

// Nothing when the operator goes on.
using Outcome = Result<std::optional<Stop>>;

inline Outcome GoOn() {
  return std::optional<Stop>();
}

inline Outcome Halt(std::string phase, std::string message) {
  return std::optional<Stop>(Stop{std::move(phase), std::move(message)});
}

// Service, TLS and secrets of the users (steps 3 to 5).
Outcome Prepare(InstancePass& pass);
// The certificates; part of Prepare.
Outcome EnsureTls(InstancePass& pass);
// Credentials of users and agents, and the automation config (step 7 without its waiting).
Outcome WriteConfig(InstancePass& pass, const Scaling& scaling);
// After Running: the users' connection strings, then what is left of users that are gone.
Result<void> WriteConnections(InstancePass& pass);
Result<void> DropRemovedUsers(InstancePass& pass);
// One pass of the operator, in its order of writes.
Result<void> ReconcileInstance(InstancePass& pass);

// The cluster's machinery and the agents inside the pods.
Result<void> PlayMembers(InstancePass& pass);

}  // namespace slipway::sim::operators::mongodb
