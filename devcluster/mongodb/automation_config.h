#pragma once

#include <map>
#include <string>

#include "devcluster/mongodb/instance_spec.h"
#include "devcluster/mongodb/scaling.h"

namespace slipway::sim::operators::mongodb {

struct ConfigSecrets {
  std::string agent_password, keyfile, prometheus_password;
  std::map<std::string, Json> scram;  // by name of the secret
};

// The document that the agents work towards (cluster-config.json), without its version. `before` is
// the stored document, or null. Pure.
Json AutomationConfig(const InstanceSpec& spec, const Scaling& scaling,
                      const ConfigSecrets& secrets, const Json& last_spec, const Json& before);

// The version for this content: one more than that of the stored document when the two differ.
int64_t NextVersion(const Json& before, const Json& wanted);

}  // namespace slipway::sim::operators::mongodb
