// The server parameters that a user may set, with their limits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cnpg {

enum class ParameterKind { kInteger, kReal, kBool, kSize, kTime, kChoice };

struct Parameter {
  std::string_view name;
  ParameterKind kind;
  double low = 0, high = 0;                 // sizes in bytes, times in ms
  std::vector<std::string_view> choices{};  // kChoice
};

// nullptr when it may not be set.
const Parameter* FindParameter(std::string_view name);
// Fixed or blocked by the operator (CloudNativePG 1.30, webhook rules), so that the message can say so.
bool IsOperatorOwned(std::string_view name);
// "" or what is wrong with the value.
std::string CheckValue(const Parameter& parameter, std::string_view value);

}  // namespace cnpg
