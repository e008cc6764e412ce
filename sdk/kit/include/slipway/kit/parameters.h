// An allow-list of typed settings: what a user may set, within which limits, and its JSON Schema.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <slipway/kit/json.h>
#include <slipway/kit/request.h>

namespace slipway::kit {

enum class ParameterType { kInt, kReal, kBool, kEnum, kMemory, kTime, kText };

struct Parameter {
  std::string_view name;
  ParameterType type;
  // kInt: as is. kReal: thousandths. kMemory, kTime: what the engine's Unit counts in.
  int64_t min = 0;
  int64_t max = 0;
  // kEnum: the values, separated by '|'.
  std::string_view values = {};
  int64_t base = 1;  // kTime: what a bare number counts
};

// How one database writes an amount of memory or time.
struct Unit {
  std::optional<int64_t> (*parse)(std::string_view text, int64_t base);
  std::string (*print)(int64_t value);
  const char* rule;  // "must be …"
};

struct ParameterList {
  std::span<const Parameter> allowed;
  // Why the platform owns `name`; empty when it does not.
  std::string_view (*why_refused)(std::string_view name);
  Unit memory, time;
};

using ParameterValues = std::map<std::string, std::string>;

// "/parameters/NAME" with NAME escaped.
std::string ParameterPointer(std::string_view name);
// Is `value` one of "a|b|c"?
bool OneOf(std::string_view values, std::string_view value);
// The canonical text of what the user wrote, by name; nothing after complaining about all that is
// wrong. Booleans are written on and off.
std::optional<ParameterValues> ReadParameters(const ParameterList& list, const Json& given,
                                              const Complain& complain);
Json ToJson(const ParameterValues& values);
// For describe: a property per parameter.
Json SchemaOf(const ParameterList& list);

}  // namespace slipway::kit
