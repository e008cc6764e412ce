// An allow-list of typed parameters with their limits: reads them and describes them as JSON
// Schema.
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
  // kInt: the number itself. kReal: thousandths. kMemory, kTime: in the engine's Unit.
  int64_t min = 0;
  int64_t max = 0;
  // kEnum: the values, separated by '|'.
  std::string_view values = {};
  int64_t base = 1;  // kTime: the unit of a bare number
};

// How one database writes an amount of memory or time.
struct Unit {
  std::optional<int64_t> (*parse)(std::string_view text, int64_t base);
  std::string (*print)(int64_t value);
  const char* rule;  // "must be …"
};

// Parameters that the operator or the platform owns.
struct Refused {
  std::string_view names;  // separated by '|'; "net.tls." stands for all that begin with it
  std::string_view why;
};

struct ParameterList {
  std::span<const Parameter> allowed;
  std::span<const Refused> refused;
  Unit memory = {}, time = {};
};

using ParameterValues = std::map<std::string, std::string>;

// "/parameters/NAME" with NAME escaped.
std::string ParameterPointer(std::string_view name);
// Returns the canonical text of every parameter, by its name; booleans are "on" and "off". After a
// mistake it returns nullopt, and has complained about every one.
std::optional<ParameterValues> ReadParameters(const ParameterList& list, const Json& given,
                                              const Complain& complain);
Json ToJson(const ParameterValues& values);
// The schema for describe: one property per parameter.
Json SchemaOf(const ParameterList& list);

}  // namespace slipway::kit
