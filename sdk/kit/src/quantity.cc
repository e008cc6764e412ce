#include <charconv>
#include <utility>

#include <slipway/kit/quantity.h>

namespace slipway::kit {

namespace {

constexpr int64_t kMax = int64_t{1} << 60;

// Splits "12.5Gi" into its thousandths and the unit.
std::optional<std::pair<int64_t, std::string_view>> Split(std::string_view text) {
  int64_t whole = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  auto [at, error] = std::from_chars(text.data(), end, whole);
  if (error != std::errc() || whole > kMax / 1000) return std::nullopt;
  int64_t milli = whole * 1000;
  if (at != end && *at == '.') {
    ++at;
    int64_t weight = 100;
    const char* first = at;
    for (; at != end && *at >= '0' && *at <= '9'; ++at, weight /= 10) {
      if (weight == 0 && *at != '0') return std::nullopt;
      milli += (*at - '0') * weight;
    }
    if (at == first) return std::nullopt;
  }
  return std::pair(milli, std::string_view(at, static_cast<size_t>(end - at)));
}

std::optional<int64_t> Scale(int64_t milli, int64_t factor) {
  if (factor != 0 && milli > kMax / factor) {
    if (milli % 1000 != 0 || milli / 1000 > kMax / factor) return std::nullopt;
    return milli / 1000 * factor;
  }
  return milli * factor / 1000;
}

}  // namespace

std::optional<int64_t> Bytes(std::string_view quantity) {
  static constexpr std::pair<std::string_view, int64_t> kUnits[] = {{"", 1},
                                                                    {"k", 1000},
                                                                    {"M", 1000000},
                                                                    {"G", 1000000000},
                                                                    {"T", 1000000000000},
                                                                    {"Ki", int64_t{1} << 10},
                                                                    {"Mi", int64_t{1} << 20},
                                                                    {"Gi", int64_t{1} << 30},
                                                                    {"Ti", int64_t{1} << 40}};
  const auto parts = Split(quantity);
  if (!parts) return std::nullopt;
  for (const auto& [unit, factor] : kUnits) {
    if (unit == parts->second) return Scale(parts->first, factor);
  }
  return std::nullopt;
}

std::optional<int64_t> Millis(std::string_view quantity) {
  const auto parts = Split(quantity);
  if (!parts) return std::nullopt;
  if (parts->second.empty()) return parts->first;
  if (parts->second == "m" && parts->first % 1000 == 0) return parts->first / 1000;
  return std::nullopt;
}

std::string FromBytes(int64_t bytes) {
  static constexpr std::pair<const char*, int> kUnits[] = {{"Gi", 30}, {"Mi", 20}, {"Ki", 10}};
  for (const auto& [unit, shift] : kUnits) {
    if (bytes > 0 && bytes % (int64_t{1} << shift) == 0)
      return std::to_string(bytes >> shift) + unit;
  }
  return std::to_string(bytes);
}

std::string FromMillis(int64_t millis) {
  return millis % 1000 == 0 ? std::to_string(millis / 1000) : std::to_string(millis) + "m";
}

std::optional<int64_t> Integer(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  return value;
}

std::optional<double> Real(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, std::chars_format::general);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  if (text.find_first_not_of("0123456789.-+eE") != std::string_view::npos) return std::nullopt;
  return value;
}

}  // namespace slipway::kit
