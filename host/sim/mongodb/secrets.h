#pragma once

#include <string>

#include "sim/mongodb/instance_spec.h"

namespace slipway::sim::operators::mongodb {

// The secrets the operator makes. Pure but for what is random.

Json SecretOf(const InstanceSpec& spec, const std::string& name,
              std::initializer_list<std::pair<const char*, std::string>> data);
// The value of a key, decoded; "" when absent.
std::string SecretValue(const Json& secret, const std::string& key);

// Six keys of a user's credentials. No server checks them here, so that they are not SCRAM's costly
// ones: same keys and lengths, and they depend on the salt and the password as those do.
Json ScramSecret(const InstanceSpec& spec, const User& user, const std::string& password);
bool ScramFits(const Json& secret, const std::string& password);

Json ConnectionSecret(const InstanceSpec& spec, const Release& release, const User& user,
                      const std::string& password);

// What the operator puts into a secret for TLS: one file named after its content.
Json TlsSecret(const InstanceSpec& spec, const char* suffix, const std::string& pem);

}  // namespace slipway::sim::operators::mongodb
