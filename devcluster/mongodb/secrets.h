#pragma once

#include <string>

#include "devcluster/mongodb/instance_spec.h"

namespace slipway::sim::operators::mongodb {

// The secrets that the operator makes. Pure, except for random values.

Json SecretOf(const InstanceSpec& spec, const std::string& name,
              std::initializer_list<std::pair<const char*, std::string>> data);
// The decoded value of a key; "" when the key is absent.
std::string SecretValue(const Json& secret, const std::string& key);

// The six keys of a user's credentials, as a server stores them.
Json ScramSecret(const InstanceSpec& spec, const User& user, const std::string& password);
bool ScramFits(const Json& secret, const std::string& password);

Json ConnectionSecret(const InstanceSpec& spec, const Release& release, const User& user,
                      const std::string& password);

// A secret for TLS, as the operator writes it: one file that is named after its content.
Json TlsSecret(const InstanceSpec& spec, const char* suffix, const std::string& pem);

}  // namespace slipway::sim::operators::mongodb
