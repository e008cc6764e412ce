#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace slipway::sim {

// The part of JSONPath that CRDs use for columns and the scale subresource: ".a.b", "[0]",
// "['x.y']", "\." in names and "[?(@.type==\"Ready\")]". Null value when nothing is there.
const Json& FindPath(const Json& value, std::string_view path);
// Dotted paths only, made where they are absent.
void SetPath(Json& value, std::string_view path, Json to);

}  // namespace slipway::sim
