#include "devcluster/quantity.h"

#include <cmath>
#include <cstdlib>

namespace slipway::sim {

namespace {

struct Suffix {
  const char* text;
  long double factor;
};

// Sorted from the largest; the empty suffix is among the decimal ones.
constexpr Suffix kBinary[] = {{"Ei", 0x1p60L}, {"Pi", 0x1p50L}, {"Ti", 0x1p40L},
                              {"Gi", 0x1p30L}, {"Mi", 0x1p20L}, {"Ki", 0x1p10L}};
constexpr Suffix kDecimal[] = {{"E", 1e18L}, {"P", 1e15L}, {"T", 1e12L}, {"G", 1e9L},
                               {"M", 1e6L},  {"k", 1e3L},  {"", 1},      {"m", 1e-3L},
                               {"u", 1e-6L}, {"n", 1e-9L}};

std::string Whole(long double value) {
  return std::to_string(static_cast<int64_t>(value));
}

// Decimal fractions are not exact in binary. 100m must be exactly a hundred thousandths; otherwise
// three times 2100m would be more than 6300m.
Quantity Of(long double milli, Quantity::Form form) {
  const long double whole = std::round(milli);
  return {std::abs(milli - whole) <= 1e-12L * std::abs(whole) ? whole : milli, form};
}

}  // namespace

std::optional<Quantity> Quantity::Parse(std::string_view text) {
  const size_t end = std::min(text.find_first_not_of("0123456789.+-"), text.size());
  const std::string number(text.substr(0, end));
  const std::string_view suffix = text.substr(end);
  char* rest = nullptr;
  const long double value = std::strtold(number.c_str(), &rest);
  if (number.empty() || *rest != 0) return std::nullopt;
  for (const Suffix& one : kDecimal)
    if (suffix == one.text) return Of(value * one.factor * 1000, Form::kDecimal);
  for (const Suffix& one : kBinary)
    if (suffix == one.text) return Of(value * one.factor * 1000, Form::kBinary);
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  const std::string exponent(suffix.substr(1));
  const long power = std::strtol(exponent.c_str(), &rest, 10);
  if (*rest != 0) return std::nullopt;
  return Of(value * std::pow(10.0L, static_cast<long double>(power)) * 1000, Form::kExponent);
}

std::string Quantity::Text() const {
  const long double value = milli / 1000;
  if (value == 0) return "0";
  if (form == Form::kBinary && std::abs(value) >= 1024 && std::trunc(value) == value) {
    for (const Suffix& one : kBinary)
      if (std::fmod(value, one.factor) == 0) return Whole(value / one.factor) + one.text;
    return Whole(value);
  }
  for (const Suffix& one : kDecimal) {
    const long double units = value / one.factor;
    // Factors below one are not exact in binary.
    if (std::abs(units - std::round(units)) > 1e-9L * std::abs(units) || std::round(units) == 0)
      continue;
    if (form != Form::kExponent || one.factor <= 1) return Whole(std::round(units)) + one.text;
    return Whole(std::round(units)) + "e" + Whole(std::log10(one.factor));
  }
  return Whole(std::ceil(value * 1e9L)) + "n";
}

}  // namespace slipway::sim
