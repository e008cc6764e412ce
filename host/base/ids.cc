#include "base/ids.h"

#include "base/crypto.h"

namespace slipway {

std::string NewId(std::string_view prefix, const Clock& clock) {
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string out(prefix);
  out += '_';
  const auto ms = static_cast<uint64_t>(clock.NowMs());
  for (int shift = 45; shift >= 0; shift -= 5) out += kAlphabet[(ms >> shift) & 31];
  for (const char c : RandomBytes(16)) out += kAlphabet[static_cast<unsigned char>(c) & 31];
  return out;
}

bool IsDnsLabel(std::string_view text, size_t max) {
  if (text.empty() || text.size() > max || text.front() == '-' || text.back() == '-') return false;
  for (const char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  }
  return true;
}

}  // namespace slipway
