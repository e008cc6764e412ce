#include "names.h"

#include <bit>
#include <cmath>

namespace vitess {

namespace {

constexpr int kShifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

// One block of RFC 1321.
void Mix(std::array<uint32_t, 4>& state, const uint8_t* block) {
  uint32_t words[16];
  for (int i = 0; i < 16; ++i) {
    words[i] = 0;
    for (int byte = 3; byte >= 0; --byte) words[i] = words[i] << 8 | block[i * 4 + byte];
  }
  auto [a, b, c, d] = state;
  for (int i = 0; i < 64; ++i) {
    uint32_t f = 0;
    int word = 0;
    switch (i / 16) {
      case 0:
        f = (b & c) | (~b & d);
        word = i;
        break;
      case 1:
        f = (d & b) | (~d & c);
        word = (5 * i + 1) % 16;
        break;
      case 2:
        f = b ^ c ^ d;
        word = (3 * i + 5) % 16;
        break;
      default:
        f = c ^ (b | ~d);
        word = 7 * i % 16;
    }
    const auto sine =
        static_cast<uint32_t>(std::floor(std::fabs(std::sin(i + 1.0)) * 4294967296.0));
    const uint32_t sum = a + f + sine + words[word];
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kShifts[i / 16][i % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

std::string Hex(const uint8_t* bytes, size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

}  // namespace

std::array<uint8_t, 16> Md5(std::string_view text) {
  std::string padded(text);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  for (int i = 0; i < 8; ++i) padded += static_cast<char>(uint64_t{text.size()} * 8 >> (8 * i));
  std::array<uint32_t, 4> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (size_t at = 0; at < padded.size(); at += 64)
    Mix(state, reinterpret_cast<const uint8_t*>(padded.data()) + at);
  std::array<uint8_t, 16> out;
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<uint8_t>(state[i / 4] >> (8 * (i % 4)));
  return out;
}

std::string JoinedName(std::initializer_list<std::string_view> parts, size_t limit, bool service) {
  std::string hashed, joined;
  for (const std::string_view part : parts) {
    hashed += part;
    hashed += '\0';
    if (!joined.empty()) joined += '-';
    for (const char c : part) {
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
      joined += plain ? lower : '-';
    }
  }
  const bool letter = !joined.empty() && joined[0] >= 'a' && joined[0] <= 'z';
  const bool digit = !joined.empty() && joined[0] >= '0' && joined[0] <= '9';
  if (!letter && (service || !digit)) joined.insert(0, "x");
  const std::string hash = Hex(Md5(hashed).data(), 4);
  if (joined.size() + kHashSuffix <= limit) return joined + "-" + hash;
  return joined.substr(0, limit - kHashSuffix - 2) + "---" + hash;
}

std::string KeyRange::Text() const {
  return start + "-" + end;
}

std::string KeyRange::Safe() const {
  return (start.empty() ? "x" : start) + "-" + (end.empty() ? "x" : end);
}

std::vector<KeyRange> EqualShards(int64_t parts) {
  const auto bound = [&](int64_t i) {
    const auto byte = static_cast<uint8_t>(i * 256 / parts);
    return i == 0 || i == parts ? std::string() : Hex(&byte, 1);
  };
  std::vector<KeyRange> out;
  for (int64_t i = 0; i < parts; ++i) out.push_back({bound(i), bound(i + 1)});
  return out;
}

std::string TabletAlias(const std::string& cell, const std::string& keyspace, const KeyRange& range,
                        int64_t index) {
  const auto sum =
      Md5(cell + " " + keyspace + " " + range.Text() + " replica " + std::to_string(index) + "\n");
  uint32_t uid = 0;
  for (int i = 0; i < 4; ++i) uid = uid << 8 | sum[static_cast<size_t>(i)];
  const std::string digits = std::to_string(uid);
  return cell + "-" + std::string(10 - digits.size(), '0') + digits;
}

}  // namespace vitess
