#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway::sim {

// An amount as Kubernetes writes it: "500m", "1Gi", "2". Exact up to 2^64 thousandths.
struct Quantity {
  enum class Form { kDecimal, kBinary, kExponent };

  long double milli = 0;
  Form form = Form::kDecimal;

  // nullopt when the text is no quantity.
  static std::optional<Quantity> Parse(std::string_view text);
  // The canonical form: the largest suffix that leaves a whole number.
  std::string Text() const;
};

}  // namespace slipway::sim
