#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace slipway::sim {

// The part of JSONPath that CRDs use for columns and the scale subresource: ".a.b", "[0]",
// "['x.y']", "\." in names and "[?(@.type==\"Ready\")]". Returns the null value when nothing is
// there.
const Json& FindPath(const Json& value, std::string_view path);
// Takes dotted paths only, and makes the parts that are absent.
void SetPath(Json& value, std::string_view path, Json to);

}  // namespace slipway::sim
