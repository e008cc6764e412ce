#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "devcluster/mongodb/automation_config.h"
#include "devcluster/mongodb/instance_spec.h"
#include "devcluster/mongodb/replica_set_objects.h"
#include "devcluster/mongodb/scaling.h"
#include "devcluster/operators/pass.h"

namespace slipway::sim::operators::mongodb {

class Servers;

struct Environment : PassEnvironment {
  const Release& release;
  Servers* servers;  // never null
};

// Everything that the operator remembers of an instance between passes. All of it can be lost.
struct InstanceMemory : PassMemory {
  int64_t prepared_generation = -1;  // service, TLS and secrets were checked for this one
  ConfigSecrets secrets;
  std::map<std::string, std::string> passwords;  // by name of the user's password secret
  bool config_known = false;
  Json config;                               // the stored document; null for none
  std::map<std::string, std::string> tried;  // set → its generation and what we wanted of it
  int64_t connected_generation = -1;         // connection strings were written for this one
  std::string connected_with;                // and for these contents
  std::string primary;                       // the pod whose server leads; "" without servers
  int failures = 0;
};

// One pass over one MongoDBCommunity.
class InstancePass : public Pass {
 public:
  InstancePass(Environment& environment, InstanceMemory& remembered)
      : Pass(environment, remembered), env(environment), memory(remembered) {}

  // kNotFound when the instance is gone.
  Result<void> Read(const std::string& ns, const std::string& name);

  // Returns the object, or the null value.
  Result<Json> Find(const char* kind, const std::string& name);

  const Json& status() const { return instance["status"]; }

  // The spec that was the last to reach Running, or null.
  Json last_spec() const;
  bool version_changes() const;

  Json* set() { return sets[0].is_object() ? &sets[0] : nullptr; }

  Json* PodNamed(const std::string& name);
  // True when the automation config contains the pod's process.
  bool InConfig(const std::string& pod) const;

  int64_t config_version() const { return memory.config["version"].AsInt(); }

  Environment& env;
  InstanceMemory& memory;
  InstanceSpec spec;
  Json instance;
  Json sets[2];  // the members' and the arbiters', null when absent
  std::vector<Json> pods, claims;
};

// The operator ends its pass here with this status.
struct Stop {
  std::string phase, message;
};

// An empty value means that the operator goes on.
using Outcome = Result<std::optional<Stop>>;

inline Outcome GoOn() {
  return std::optional<Stop>();
}

inline Outcome Halt(std::string phase, std::string message) {
  return std::optional<Stop>(Stop{std::move(phase), std::move(message)});
}

// Makes the Service and TLS and reads the secrets of the users (steps 3 to 5).
Outcome Prepare(InstancePass& pass);
// Copies the certificates; part of Prepare.
Outcome EnsureTls(InstancePass& pass);
// Writes the credentials of users and agents and the automation config (step 7 without its
// waiting).
Outcome WriteConfig(InstancePass& pass, const Scaling& scaling);
// After Running: writes the users' connection strings, then deletes what removed users have left.
Result<void> WriteConnections(InstancePass& pass);
Result<void> DropRemovedUsers(InstancePass& pass);
// Runs one pass of the operator. It writes in the operator's order.
Result<void> ReconcileInstance(InstancePass& pass);

// Plays the cluster's machinery and the agents inside the pods.
Result<void> PlayMembers(InstancePass& pass);

}  // namespace slipway::sim::operators::mongodb
