#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "secrets/secret_text.h"

namespace slipway::secrets {

// Handles `$generate` in the objects that an engine applies; sdk/DOCUMENTS.md defines it. Pure
// functions.

// Adds name → length of each password that the object asks for. kInternal "ForbiddenEffect" when a
// directive is invalid or is not in the stringData of a Secret.
Result<void> CollectGenerated(const Json& object, std::map<std::string, size_t>& lengths);

// Returns the Secret for the cluster: replaces every directive by its value and moves stringData
// into data. It does not change other objects. `values` must have every name that CollectGenerated
// found.
Json WithGenerated(Json object, const std::map<std::string, SecretText>& values);

// The hash that MySQL stored before 8.0: "*" and SHA1(SHA1(password)) in capitals.
std::string MysqlNativePassword(const std::string& password);

}  // namespace slipway::secrets
