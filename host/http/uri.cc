#include "http/uri.h"

#include <algorithm>
#include <cstdint>

namespace slipway::http {
namespace {

// Limits the memory that 8 KiB of "/" or "&a" cost us.
constexpr size_t kMaxSegments = 64;
constexpr size_t kMaxQuery = 256;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool ParseSegments(std::string_view path, std::vector<std::string>& out) {
  path.remove_prefix(1);
  for (;;) {
    if (out.size() == kMaxSegments) return false;
    const size_t slash = path.find('/');
    if (!PercentDecode(path.substr(0, slash), out.emplace_back())) return false;
    if (slash == path.npos) return true;
    path.remove_prefix(slash + 1);
  }
}

// A "+" in a query is a space: forms and Go's client write it so.
bool DecodeQuery(std::string_view text, std::string& out) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return PercentDecode(spaced, out);
}

bool ParseQuery(std::string_view text, Pairs& out) {
  while (!text.empty()) {
    const size_t amp = text.find('&');
    const std::string_view piece = text.substr(0, amp);
    text.remove_prefix(amp == text.npos ? text.size() : amp + 1);
    if (piece.empty()) continue;
    if (out.size() == kMaxQuery) return false;
    const size_t equals = piece.find('=');
    auto& [name, value] = out.emplace_back();
    if (!DecodeQuery(piece.substr(0, equals), name)) return false;
    if (equals != piece.npos && !DecodeQuery(piece.substr(equals + 1), value)) return false;
  }
  return true;
}

}  // namespace

bool ValidUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    const size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - i < more) return false;
    uint32_t point = lead & (0x3Fu >> more);
    for (size_t k = 0; k < more; ++k) {
      const auto next = static_cast<uint8_t>(text[i++]);
      if ((next & 0xC0) != 0x80) return false;
      point = point << 6 | (next & 0x3Fu);
    }
    if (more == 2 && (point < 0x800 || (point >= 0xD800 && point < 0xE000))) return false;
    if (more == 3 && (point < 0x10000 || point > 0x10FFFF)) return false;
  }
  return true;
}

bool PercentDecode(std::string_view text, std::string& out) {
  out.clear();
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return false;
      const int high = HexValue(text[i + 1]);
      const int low = HexValue(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return false;
    out.push_back(c);
  }
  return ValidUtf8(out);
}

bool ParseTarget(std::string_view target, Request& request) {
  if (target.empty() || target[0] != '/') return false;
  for (const char c : target) {
    if (c <= ' ' || c >= 0x7F || c == '#') return false;
  }
  const size_t mark = target.find('?');
  request.target = target;
  request.path = target.substr(0, mark);
  request.segments.clear();
  request.query.clear();
  if (!ParseSegments(request.path, request.segments)) return false;
  return mark == target.npos || ParseQuery(target.substr(mark + 1), request.query);
}

}  // namespace slipway::http
