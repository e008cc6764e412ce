#pragma once

#include <string>
#include <string_view>

#include "http/server.h"

namespace slipway::http {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool ValidUtf8(std::string_view text);

// Decodes %XX once into `out`; '+' stays '+'. False for a bad escape, a NUL or bad UTF-8.
bool PercentDecode(std::string_view text, std::string& out);

// Fills target, path, segments and query from an origin-form target ("/a/b?c=d"). False when it has
// another form, cannot be decoded, or has more parts than any of our routes.
bool ParseTarget(std::string_view target, Request& request);

}  // namespace slipway::http
