#include "parameters.h"

#include <algorithm>
#include <string>

#include "options.h"

namespace mongodb {

namespace {

constexpr char kCache[] = "storage.wiredTiger.engineConfig.cacheSizeGB";
constexpr char kOplog[] = "replication.oplogSizeMB";
constexpr char kConnections[] = "net.maxIncomingConnections";

const ParameterList& Options() {
  static const ParameterList kList{AllowedOptions(), RefusedOptions()};
  return kList;
}

int64_t IntegerOf(const ParameterValues& values, const char* name) {
  return Integer(values.at(name)).value_or(0);
}

std::string Thousandths(int64_t value) {
  return std::to_string(value / 1000) + "." + std::to_string(1000 + value % 1000).substr(1);
}

// Each connection has a thread with a stack of up to 1 MiB; a fifth of the memory is for them.
int64_t ConnectionsLimit(const Sizing& sizing) {
  return std::clamp<int64_t>(sizing.memory_bytes / kMi / 5 / 10 * 10, 100, 65536);
}

void FillDefaults(const Sizing& sizing, ParameterValues& values) {
  const auto fill = [&](const char* name, const std::string& value) {
    values.try_emplace(name, value);
  };
  fill("version", kDefaultVersion);
  // mongod's own default, but of the container's memory instead of the node's.
  const int64_t beyond_one_gi = std::max<int64_t>(sizing.memory_bytes - kGi, 0);
  fill(kCache, Thousandths(std::max<int64_t>(beyond_one_gi / kMi * 1000 / 1024 / 2, 250)));
  fill(kOplog, std::to_string(std::clamp<int64_t>(sizing.storage_bytes / kMi / 20, 990, 51200)));
  fill(kConnections, std::to_string(ConnectionsLimit(sizing)));
  fill("operationProfiling.mode", "slowOp");
  fill("operationProfiling.slowOpThresholdMs", "100");
}

// Checks limits that follow from the size of the instance.
void CheckTogether(const Sizing& sizing, const ParameterValues& values, const Complain& complain) {
  const auto too_much = [&](const char* name, const std::string& of) {
    complain(ParameterPointer(name), "ParameterOutOfRange",
             std::string(name) + " = " + values.at(name) + " is more than " + of);
  };
  const double cache = Real(values.at(kCache)).value_or(0);
  if (cache > 0.25 &&
      cache * static_cast<double>(kGi) > static_cast<double>(sizing.memory_bytes) * 0.8)
    too_much(kCache, "four fifths of the instance's memory of " + FromBytes(sizing.memory_bytes));
  // At least as much as is set for a small volume.
  if (IntegerOf(values, kOplog) > std::max<int64_t>(sizing.storage_bytes / kMi / 2, 990))
    too_much(kOplog, "half of the instance's storage of " + FromBytes(sizing.storage_bytes));
  if (IntegerOf(values, kConnections) > ConnectionsLimit(sizing)) {
    too_much(kConnections, std::to_string(ConnectionsLimit(sizing)) +
                               ", the most for the instance's memory of " +
                               FromBytes(sizing.memory_bytes));
  }
}

// mongod's settings have types, and the operator passes them on unchanged.
Json Typed(const Parameter& parameter, const std::string& text) {
  switch (parameter.type) {
    case ParameterType::kInt:
      return Integer(text).value_or(0);
    case ParameterType::kReal:
      return Real(text).value_or(0);
    case ParameterType::kBool:
      return text == "on";
    case ParameterType::kEnum:
    case ParameterType::kMemory:
    case ParameterType::kTime:
    case ParameterType::kText:
      break;
  }
  return text;
}

}  // namespace

Json NormalisedParameters(const Json& given, const Sizing& sizing, const Complain& complain) {
  auto values = ReadParameters(Options(), given, complain);
  if (!values) return Json::Obj();
  FillDefaults(sizing, *values);
  CheckTogether(sizing, *values, complain);
  Json out = Json::Obj();
  for (const auto& [name, text] : *values) {
    const auto option =
        std::find_if(AllowedOptions().begin(), AllowedOptions().end(),
                     [&name = name](const Parameter& known) { return known.name == name; });
    out.Set(name, Typed(*option, text));
  }
  return out;
}

Json ParametersSchema() {
  return SchemaOf(Options());
}

}  // namespace mongodb
