#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace slipway::engine {

// The host's own look at what an engine wrote: required members and their types, so that nobody
// behind it has to ask. All errors are kInternal with the JSON Pointer in `field` and in the
// message; reason BadDocument, for describe BadDescribe.
Result<Json> ParseDescribe(std::string_view text, std::string_view name, std::string_view version);
Result<Json> ParseValidate(std::string_view text);
Result<Json> ParsePlan(std::string_view text);
Result<Json> ParseStep(std::string_view text);

}  // namespace slipway::engine
