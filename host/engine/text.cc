#include "engine/text.h"

#include <algorithm>

#include "base/json.h"

namespace slipway::engine {
namespace {

// `text` up to `limit` bytes, without a partial character at the end.
std::string_view WholeCharacters(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

std::string Printable(std::string_view text, size_t limit) {
  std::string out(WholeCharacters(text, limit));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::replace_if(out.begin(), out.end(), is_control, ' ');
  if (!Json::Parse(Json::Quote(out))) {
    std::replace_if(
        out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  }
  return out;
}

std::string Shortened(std::string text, size_t limit) {
  if (text.size() <= limit) return text;
  const std::string mark = " … (cut: " + std::to_string(text.size()) + " bytes)";
  text.resize(WholeCharacters(text, limit - std::min(limit, mark.size())).size());
  return text + mark;
}

}  // namespace slipway::engine
