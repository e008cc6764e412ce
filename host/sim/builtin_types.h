#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sim/schema.h"

namespace slipway::sim {

// Kubernetes' own types, as its Go sources have them. Built at the first use; any thread.
// nullptr for what is not in the table.
std::shared_ptr<const Schema> BuiltinType(std::string_view name);  // "core.v1.PodSpec"
std::shared_ptr<const Schema> BuiltinSchema(std::string_view api_version, std::string_view kind);

// The table's parts, ended by a null pointer.
extern const char* const kBuiltinTypes[];

}  // namespace slipway::sim
