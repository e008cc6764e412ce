#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace slipway::engine {

// Makes text from an engine or its file fit for a log line or a JSON document: valid UTF-8, no
// control characters, at most `limit` bytes.
std::string Printable(std::string_view text, size_t limit = 2048);

// Cuts a text of more than `limit` bytes at a whole character and appends a mark with its length.
// The result has at most `limit` bytes.
std::string Shortened(std::string text, size_t limit);

}  // namespace slipway::engine
