#include "units.h"

#include <utility>

namespace cnpg {

namespace {

constexpr int64_t kMax = int64_t{1} << 60;

}  // namespace

std::optional<int64_t> PgKilobytes(std::string_view value) {
  if (value == "0") return 0;
  if (value == "-1") return -1;
  const size_t digits = value.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
  const auto number = Integer(value.substr(0, digits));
  const std::string_view unit = value.substr(digits);
  static constexpr std::pair<std::string_view, int> kUnits[] = {
      {"kB", 0}, {"MB", 10}, {"GB", 20}, {"TB", 30}};
  for (const auto& [name, shift] : kUnits) {
    if (name == unit && number && *number <= (kMax >> shift)) return *number << shift;
  }
  return std::nullopt;
}

std::string FromPgKilobytes(int64_t kb) {
  static constexpr std::pair<const char*, int> kUnits[] = {{"GB", 20}, {"MB", 10}};
  for (const auto& [unit, shift] : kUnits) {
    if (kb > 0 && kb % (int64_t{1} << shift) == 0) return std::to_string(kb >> shift) + unit;
  }
  return std::to_string(kb) + "kB";
}

std::optional<int64_t> PgMillis(std::string_view value, int64_t base_ms) {
  if (value == "-1") return -1;
  const size_t digits = value.find_first_not_of("0123456789");
  if (digits == 0) return std::nullopt;
  const auto number = Integer(value.substr(0, digits));
  if (!number || *number > kMax / 86400000) return std::nullopt;
  if (digits == std::string_view::npos) return *number * base_ms;
  static constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
  for (const auto& [name, factor] : kUnits) {
    if (name == value.substr(digits)) return *number * factor;
  }
  return std::nullopt;
}

}  // namespace cnpg
