#include "devcluster/vitess/names.h"

#include <array>
#include <cctype>
#include <cstdio>

#include <openssl/evp.h>

namespace slipway::sim::operators::vitess {

namespace {

std::array<unsigned char, 16> Md5(const std::string& text) {
  std::array<unsigned char, 16> out{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_md5(), nullptr);
  return out;
}

uint32_t FirstFour(const std::string& text) {
  const auto digest = Md5(text);
  return (uint32_t{digest[0]} << 24) | (uint32_t{digest[1]} << 16) | (uint32_t{digest[2]} << 8) |
         digest[3];
}

std::string Join(const std::vector<std::string>& parts, size_t limit, bool letter_first) {
  std::string hashed, joined;
  for (const std::string& part : parts) {
    hashed += part + std::string(1, '\0');
    if (&part != &parts.front()) joined += '-';
    for (const char c : part) {
      const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const bool kept = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
      joined += kept ? lower : '-';
    }
  }
  const bool digit_first = !joined.empty() && joined[0] >= '0' && joined[0] <= '9';
  if (joined.empty() || joined[0] == '-' || (letter_first && digit_first)) joined.insert(0, "x");
  char hash[9];
  std::snprintf(hash, sizeof hash, "%08x", FirstFour(hashed));
  if (joined.size() + 9 <= limit) return joined + "-" + hash;
  return joined.substr(0, limit - 11) + "---" + hash;
}

}  // namespace

std::string JoinName(const std::vector<std::string>& parts, size_t limit) {
  return Join(parts, limit, false);
}

std::string ServiceName(const std::vector<std::string>& parts) {
  return Join(parts, 63, true);
}

std::string EtcdName(const std::string& cluster) {
  return Join({cluster, "etcd"}, 56, true);
}

uint32_t TabletUid(const std::string& cell, const std::string& keyspace,
                   const std::string& key_range, const std::string& type, int index) {
  return FirstFour(cell + " " + keyspace + " " + key_range + " " + type + " " +
                   std::to_string(index) + "\n");
}

std::string TabletAlias(const std::string& cell, uint32_t uid) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%010u", uid);
  return cell + "-" + digits;
}

std::vector<std::string> EqualRanges(int64_t parts) {
  if (parts <= 1) return {"-"};
  const int width = parts <= 256 ? 2 : 4;
  const int64_t space = parts <= 256 ? 256 : 65536;
  const auto bound = [&](int64_t i) {
    char hex[24] = "";
    if (i > 0 && i < parts)
      std::snprintf(hex, sizeof hex, "%0*llx", width,
                    static_cast<unsigned long long>(i * space / parts));
    return std::string(hex);
  };
  std::vector<std::string> out;
  for (int64_t i = 0; i < parts; ++i) out.push_back(bound(i) + "-" + bound(i + 1));
  return out;
}

std::string SafeRange(const std::string& key_range) {
  const size_t dash = key_range.find('-');
  const std::string start = key_range.substr(0, dash), end = key_range.substr(dash + 1);
  return (start.empty() ? "x" : start) + "-" + (end.empty() ? "x" : end);
}

}  // namespace slipway::sim::operators::vitess
