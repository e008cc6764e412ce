#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "devcluster/schema.h"

namespace slipway::sim {

// Kubernetes' own types, as its Go sources declare them. The first use builds them; any thread may
// call these. They return nullptr for a type that is not in the table.
std::shared_ptr<const Schema> BuiltinType(std::string_view name);  // "core.v1.PodSpec"
std::shared_ptr<const Schema> BuiltinSchema(std::string_view api_version, std::string_view kind);

// The parts of the table; a null pointer ends the list.
extern const char* const kBuiltinTypes[];

}  // namespace slipway::sim
