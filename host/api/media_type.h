#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::api {

// Checks that a Content-Type header (null: absent) is `wanted`, in UTF-8. It compares names without
// case, takes "utf8" as UTF-8 and ignores other parameters. kInvalid "UnsupportedMediaType" names
// the refused part.
Result<void> CheckMediaType(const std::string* header, std::string_view wanted);

}  // namespace slipway::api
