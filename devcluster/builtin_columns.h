#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "devcluster/kinds.h"

namespace slipway::sim {

// The columns after the name. RunFunction computes a column whose path starts with "fn:".
std::vector<PrinterColumn> BuiltinColumns(const std::string& kind);
bool IsFunction(const PrinterColumn& column);
Json RunFunction(const PrinterColumn& column, const Json& object, int64_t now_ms);

}  // namespace slipway::sim
