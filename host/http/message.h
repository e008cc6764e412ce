#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/server.h"

namespace slipway::http {

// RFC 9110 token: header names and methods.
bool IsToken(std::string_view text);
// ASCII only; `lower` is lower case already.
bool EqualsIgnoreCase(std::string_view text, std::string_view lower);

// What the head of an answer says besides the handler's own headers.
struct HeadOptions {
  int64_t now_ms = 0;
  bool keep_alive = true;
  bool http10 = false;  // then keep-alive must be said, and nothing is chunked
  bool chunked = false;
  std::optional<size_t> content_length = std::nullopt;
};

// The status line and headers up to and with the empty line. Whatever a handler puts into a header
// cannot end a line: control characters become spaces, and a header whose name is not a token, or
// is the server's own, is left out.
std::string WriteHead(int status, std::string_view content_type, const Pairs& headers,
                      const HeadOptions& options);

// Whether an answer of this status may have a body at all.
bool StatusHasBody(int status);

}  // namespace slipway::http
