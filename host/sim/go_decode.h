#pragma once

#include <string>
#include <vector>

#include "sim/schema.h"

namespace slipway::sim {

struct Decoded {
  std::string error;                 // in the words of Go's decoder, "" when there is none
  std::vector<std::string> unknown;  // paths of fields that were left out
};

// Makes of `object` what a server has left after it read it into Kubernetes' own types and wrote it
// again: no unknown fields, no nulls and zeros but where Go writes them, quantities in their
// canonical form. `schema` is of builtin_types.h.
Decoded DecodeAsGo(const Schema& schema, Json& object);

}  // namespace slipway::sim
