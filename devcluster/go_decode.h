#pragma once

#include <string>
#include <vector>

#include "devcluster/schema.h"

namespace slipway::sim {

struct Decoded {
  std::string error;                 // in the words of Go's decoder; "" when there is no error
  std::vector<std::string> unknown;  // paths of fields that were left out
};

// Reduces `object` to what a server has left after it read it into Kubernetes' own types and wrote
// it again: no unknown fields, nulls and zeros only where Go writes them, and quantities in their
// canonical form. `schema` comes from builtin_types.h.
Decoded DecodeAsGo(const Schema& schema, Json& object);

}  // namespace slipway::sim
