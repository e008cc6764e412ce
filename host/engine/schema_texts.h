#pragma once

#include <string_view>

namespace slipway::engine {

// sdk/schema/*.schema.json at build time.
extern const std::string_view kDescribeSchemaText, kValidateSchemaText, kPlanSchemaText,
    kStepSchemaText;

}  // namespace slipway::engine
