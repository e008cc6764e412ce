#include "pipeline/quantity.h"

#include <charconv>
#include <cmath>

namespace slipway::pipeline {

Result<int64_t> ParseQuantity(std::string_view text) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {{"m", 1e-3},
                                                                   {"", 1},
                                                                   {"k", 1e3},
                                                                   {"M", 1e6},
                                                                   {"G", 1e9},
                                                                   {"T", 1e12},
                                                                   {"P", 1e15},
                                                                   {"Ki", 1024.0},
                                                                   {"Mi", 1048576.0},
                                                                   {"Gi", 1073741824.0},
                                                                   {"Ti", 1099511627776.0},
                                                                   {"Pi", 1125899906842624.0}};
  double number = 0;
  const auto [end, ec] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (ec == std::errc() && number >= 0) {
    for (const auto& [name, factor] : kUnits) {
      const double value = number * factor * 1000;
      if (unit == name && value < 9e18) return static_cast<int64_t>(std::llround(value));
    }
  }
  return Error{Code::kInvalid, "BadQuantity",
               Json::Quote(text) + " is not a quantity like 500m, 2 or 10Gi"};
}

std::string FormatQuantity(int64_t thousandths) {
  if (thousandths % 1000 != 0) return std::to_string(thousandths) + "m";
  const int64_t units = thousandths / 1000;
  if (units != 0 && units % (int64_t{1} << 30) == 0) return std::to_string(units >> 30) + "Gi";
  if (units != 0 && units % (int64_t{1} << 20) == 0) return std::to_string(units >> 20) + "Mi";
  return std::to_string(units);
}

Result<void> AddQuantities(Json& sum, const Json& more) {
  for (const auto& [key, value] : more.members()) {
    const std::string text = value.is_string() ? value.AsString() : value.Dump();
    TRY(const int64_t add, ParseQuantity(text));
    int64_t have = 0;
    if (const Json* old = sum.Find(key)) {
      TRY(have, ParseQuantity(old->AsString()));
    }
    sum.Set(key, FormatQuantity(have + add));
  }
  return {};
}

}  // namespace slipway::pipeline
