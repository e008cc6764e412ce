#pragma once

#include <map>
#include <string>

#include "sim/mongodb/instance_spec.h"
#include "sim/mongodb/scaling.h"

namespace slipway::sim::operators::mongodb {

struct ConfigSecrets {
  std::string agent_password, keyfile, prometheus_password;
  std::map<std::string, Json> scram;  // by name of the secret
};

// The document the agents work towards (cluster-config.json), without its version. `before` is the
// stored one, or null. Pure.
Json AutomationConfig(const InstanceSpec& spec, const Scaling& scaling,
                      const ConfigSecrets& secrets, const Json& last_spec, const Json& before);

// The version that the content gets: one more when it differs from the stored document's.
int64_t NextVersion(const Json& before, const Json& wanted);

}  // namespace slipway::sim::operators::mongodb
