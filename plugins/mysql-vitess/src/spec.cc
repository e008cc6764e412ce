#include "spec.h"

#include <algorithm>

#include "options.h"
#include "recovery.h"

namespace vitess {

namespace {

constexpr int64_t kMaxShards = 16;
constexpr size_t kMaxCells = 3;
constexpr char kFrequencies[] = "off|5m|10m|15m|20m|30m|1h|2h|3h|4h|6h|8h|12h";

std::string FrequencyError(const std::string& value) {
  return OneOf(kFrequencies, value) ? std::string() : "must be one of " + std::string(kFrequencies);
}

std::string RegionError(const std::string& value) {
  const bool good = !value.empty() && value.size() <= 63 && OnlyOf(value, "-");
  return good ? std::string() : "must be the name of a region";
}

const BackupField kBackupFields[] = {
    kDestinationPath,
    kEndpointUrl,
    {"region", "us-east-1", false, RegionError},
    kCredentialsSecret,
    // A file as the AWS tools read it, with the section [default].
    {"credentialsKey", "credentials", false, SecretKeyError},
    {"schedule", "17 3 * * *", false, CrontabError},
    {"incrementalEvery", nullptr, false, FrequencyError},
    kStore,
};

// The operator allows no dash in a cell's name.
bool IsCell(const std::string& name) {
  return !name.empty() && name.size() <= kCellNameMax && name[0] >= 'a' && name[0] <= 'z' &&
         OnlyOf(name, "") &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

Json NormalisedCells(const Json& given, int64_t instances, const Complain& complain) {
  if (given.IsNull()) return Json::Arr({"zone1"});
  const auto& names = given.items();
  bool good = given.IsArray() && !names.empty() && names.size() <= kMaxCells;
  for (size_t i = 0; good && i < names.size(); ++i) {
    good = IsCell(names[i].AsString()) &&
           std::find(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]) ==
               names.begin() + static_cast<ptrdiff_t>(i);
  }
  if (!good) {
    complain(
        "/parameters/cells", "InvalidValue",
        "cells must be a list of 1 to 3 different names; each is a lower-case letter and up to 9 "
        "more lower-case letters and digits");
  } else if (static_cast<int64_t>(names.size()) > instances) {
    complain(
        "/parameters/cells", "OutOfRange",
        "there may be no more cells than instances of a shard, here " + std::to_string(instances));
  }
  return given;
}

Json NormalisedShards(const Json& given, const Complain& complain) {
  if (given.IsNull()) return 1;
  const int64_t shards = given.AsInt();
  if (shards < 1 || shards > kMaxShards || (shards & (shards - 1)) != 0)
    complain("/parameters/shards", "OutOfRange", "shards must be 1, 2, 4, 8 or 16");
  return given;
}

void CheckBackupType(const Request& request, const Complain& complain) {
  const Json& type = request.arguments["type"];
  if (request.verb == "backup" && !type.IsNull() && type.AsString() != "FULL")
    complain("/type", "InvalidValue",
             "type must be FULL: incremental backups are made by the schedule only");
}

}  // namespace

Json NormalisedSpec(const Request& request, const Complain& complain, const Warn& warn) {
  CheckBackupType(request, complain);
  const Json& spec = request.spec;
  Json out = spec;
  const Sizing sizing = NormaliseTier(out, complain);
  const Json& given = spec["parameters"];
  Json options = given;
  if (given.IsObject()) {
    options = Json::Obj();
    for (const std::string& name : given.keys()) {
      if (name != "cells" && name != "shards") options.Set(name, given[name]);
    }
  }
  Json parameters = ToJson(NormalisedOptions(options, sizing, complain));
  parameters.Set("cells", NormalisedCells(given["cells"], spec["instances"].AsInt(1), complain));
  parameters.Set("shards", NormalisedShards(given["shards"], complain));
  if (parameters["shards"].AsInt() > 1)
    warn("/parameters/shards", "a sharded keyspace takes no rows before it has a VSchema");
  if (spec["instances"].AsInt() == 2)
    warn("/instances", "with two instances writes wait while either of them is away");
  out.Set("parameters", std::move(parameters));
  Json backup = NormalisedBackup(spec["backup"], kBackupFields, complain, warn);
  if (backup.IsObject() && !backup.Has("incrementalEvery")) {
    const int64_t instances = spec["instances"].AsInt();
    backup.Set("incrementalEvery", instances >= 5 ? "15m" : instances >= 2 ? "1h" : "off");
  }
  out.Set("backup", std::move(backup));
  const Json& source = request.arguments["source"];
  if (!source.IsNull()) {
    out.Set("source", NormalisedSource(source, out, sizing, complain));
  } else {
    CheckSource(spec["source"], complain);
  }
  return out;
}

Json ParametersSchema() {
  Json schema = OptionsSchema();
  Json properties = schema["properties"];
  properties.Set("shards", Json::Obj({{"enum", Json::Arr({1, 2, 4, 8, 16})}}));
  properties.Set(
      "cells",
      Json::Obj({{"type", "array"},
                 {"minItems", 1},
                 {"maxItems", static_cast<int64_t>(kMaxCells)},
                 {"uniqueItems", true},
                 {"items", Json::Obj({{"type", "string"}, {"pattern", "^[a-z][a-z0-9]{0,9}$"}})}}));
  return schema.Set("properties", std::move(properties));
}

Database::Database(const Json& input) : Instance(input) {
  for (const Json& cell : parameters["cells"].items()) cells.push_back(cell.AsString());
  if (cells.empty()) cells.emplace_back("zone1");
  shards = EqualShards(std::clamp<int64_t>(parameters["shards"].AsInt(1), 1, kMaxShards));
  for (const std::string& option : parameters.keys()) {
    if (parameters[option].IsString())
      options += option + " = " + parameters[option].AsString() + "\n";
  }
}

int64_t Database::TabletsIn(size_t cell) const {
  const auto count = static_cast<int64_t>(cells.size());
  return instances / count + (static_cast<int64_t>(cell) < instances % count ? 1 : 0);
}

int64_t Database::GatewaysPerCell() const {
  const int64_t wanted = instances >= 4 ? 3 : instances >= 2 ? 2 : 1;
  const auto count = static_cast<int64_t>(cells.size());
  return (wanted + count - 1) / count;
}

Database Database::Alone() const {
  Database out = *this;
  out.instances = 1;
  out.cells.resize(1);
  return out;
}

Store StoreOf(const std::string& destination) {
  constexpr std::string_view kDirectory = "file://", kBucket = "s3://";
  Store out;
  out.directory = destination.starts_with(kDirectory);
  out.path = destination.substr(
      std::min(destination.size(), (out.directory ? kDirectory : kBucket).size()));
  while (out.path.size() > 1 && out.path.back() == '/') out.path.pop_back();
  if (out.directory) return out;
  const size_t slash = out.path.find('/');
  out.bucket = out.path.substr(0, slash);
  out.path = slash == std::string::npos ? "" : out.path.substr(slash + 1);
  return out;
}

}  // namespace vitess
