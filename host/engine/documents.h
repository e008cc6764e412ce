#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::engine {

// Checks an engine's documents by the SDK's schemas and the few rules that no schema can express.
// All errors are kInternal with the JSON Pointer in `field` and in the message. The reason is
// BadDocument; for describe it is BadDescribe. results.h reads the checked documents.
Result<Json> ParseValidate(std::string_view text);
Result<Json> ParsePlan(std::string_view text);
Result<Json> ParseStep(std::string_view text);
// The same for a parsed document.
Result<void> CheckValidate(const Json& document);
Result<void> CheckPlan(const Json& document);
Result<void> CheckStep(const Json& document);

// `name` and `version` come from the note in the file. "MissingFeature" names a feature that the
// engine requires and this host lacks.
Result<Json> ParseDescribe(std::string_view text, std::string_view name, std::string_view version);

// The features that describe.requires may name.
const std::vector<std::string_view>& HostFeatures();

}  // namespace slipway::engine
