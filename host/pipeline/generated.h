#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace slipway::pipeline {

// `$generate` in what an engine applies; sdk/DOCUMENTS.md says what it means. Pure.

// Adds name → length of each password that the object asks for. kInternal "ForbiddenEffect" when a
// directive is not one, or stands elsewhere than in the stringData of a Secret.
Result<void> CollectGenerated(const Json& object, std::map<std::string, size_t>& lengths);

// The Secret as it goes out: every directive with its value, stringData in data. Any other object
// unchanged. `values` has every name that CollectGenerated found.
Json WithGenerated(Json object, const std::map<std::string, std::string>& values);

// What MySQL's authentication of before 8.0 stores: "*" and SHA1(SHA1(password)) in capitals.
std::string MysqlNativePassword(const std::string& password);

}  // namespace slipway::pipeline
