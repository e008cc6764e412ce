#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "sim/kinds.h"
#include "sim/status.h"

namespace slipway::sim {

// The defaults of built-in kinds, which clients own as if they had written them.
void DefaultBuiltin(const Kind& kind, Json& object);
// What the server gives a new object: initial state, addresses, what admission adds. `ordinal`
// differs for each object, `random` is a suffix for names.
void PrepareBuiltin(const Kind& kind, Json& object, uint64_t ordinal, const std::string& random);
// What an update cannot take away.
void KeepAllocated(const Kind& kind, const Json& before, Json& object);
// The few checks of built-in kinds that clients rely on.
std::vector<Cause> ValidateBuiltin(const Kind& kind, const Json& object, const Json* before);
// Name, labels and annotations of any object.
std::vector<Cause> ValidateMetadata(const Json& object);

}  // namespace slipway::sim
