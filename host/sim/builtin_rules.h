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
// Name, labels and annotations of any object.
std::vector<Cause> ValidateMetadata(const Json& object);

}  // namespace slipway::sim
