#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/server.h"

namespace slipway::http {

// RFC 9110 token: header names and methods.
bool IsToken(std::string_view text);
// ASCII only; `lower` must be in lower case.
bool EqualsIgnoreCase(std::string_view text, std::string_view lower);

// The parts of an answer's head that the handler does not choose.
struct HeadOptions {
  int64_t now_ms = 0;
  bool keep_alive = true;
  bool http10 = false;  // then keep-alive needs a header, and no answer is chunked
  bool chunked = false;
  std::optional<size_t> content_length = std::nullopt;
};

// The status line and headers, including the empty line. A handler's header cannot end a line:
// control characters become spaces. A header is left out if its name is not a token or belongs to
// the server.
std::string WriteHead(int status, std::string_view content_type, const Pairs& headers,
                      const HeadOptions& options);

// Whether an answer with this status may have a body.
bool StatusHasBody(int status);

}  // namespace slipway::http
