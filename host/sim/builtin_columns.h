#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "sim/kinds.h"

namespace slipway::sim {

// The columns after the name. A path that starts with "fn:" is computed by RunFunction.
std::vector<PrinterColumn> BuiltinColumns(const std::string& kind);
bool IsFunction(const PrinterColumn& column);
Json RunFunction(const PrinterColumn& column, const Json& object, int64_t now_ms);

}  // namespace slipway::sim
