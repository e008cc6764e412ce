#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "sim/kinds.h"
#include "sim/status.h"

namespace slipway::sim {

// What the API server itself fills in for built-in kinds. `ordinal` is a number that differs for
// each object, for cluster addresses.
void DefaultBuiltin(const Kind& kind, Json& object, bool creating, uint64_t ordinal);
// The few checks of built-in kinds that clients rely on.
std::vector<Cause> ValidateBuiltin(const Kind& kind, const Json& object, const Json* before);
// Why Kubernetes' own decoder could not read `object`, for the fields where clients get it wrong: a
// map of strings that holds something else. "" when it can.
std::string DecodeError(const Kind& kind, const Json& object);
// Name, labels and annotations of any object.
std::vector<Cause> ValidateMetadata(const Json& object);

}  // namespace slipway::sim
