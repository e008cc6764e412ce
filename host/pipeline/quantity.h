#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace slipway::pipeline {

// A Kubernetes quantity in thousandths: "500m" → 500, "2" → 2000, "1Ki" → 1024000. kInvalid
// "BadQuantity".
Result<int64_t> ParseQuantity(std::string_view text);
// Whole units where possible, else "…m".
std::string FormatQuantity(int64_t thousandths);
// Adds the quantities of `more` to those of `sum`, key by key.
Result<void> AddQuantities(Json& sum, const Json& more);

}  // namespace slipway::pipeline
