#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "devcluster/kinds.h"
#include "devcluster/status.h"

namespace slipway::sim {

// Sets the defaults of built-in kinds. Clients own these fields as if they had written them.
void DefaultBuiltin(const Kind& kind, Json& object);
// Sets what the server gives a new object: its initial state, addresses, and what admission adds.
// `ordinal` differs for each object; `random` is a suffix for names.
void PrepareBuiltin(const Kind& kind, Json& object, uint64_t ordinal, const std::string& random);
// Keeps the fields that an update cannot take away.
void KeepAllocated(const Kind& kind, const Json& before, Json& object);
// Checks those few rules of built-in kinds that clients rely on.
std::vector<Cause> ValidateBuiltin(const Kind& kind, const Json& object, const Json* before);
// Checks the name, the labels and the annotations of any object.
std::vector<Cause> ValidateMetadata(const Json& object);

}  // namespace slipway::sim
