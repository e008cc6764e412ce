#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace slipway {

// "ins_01j8z3k5v9q7...": prefix, 48 bits of time, 80 random bits in Crockford base 32, lower case.
// Ids sort by time and fit a Kubernetes label value. Nobody should parse them.
std::string NewId(std::string_view prefix, const Clock& clock);

// RFC 1123 label: [a-z0-9]([-a-z0-9]*[a-z0-9])?, at most `max` characters.
bool IsDnsLabel(std::string_view text, size_t max = 63);

}  // namespace slipway
