#include "spec.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <slipway/engine.hpp>

#include "units.h"

namespace cnpg {

namespace {

constexpr int64_t kMi = int64_t{1} << 20;
constexpr int64_t kGi = int64_t{1} << 30;

bool OnlyOf(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

bool IsObjectName(std::string_view text) {
  return !text.empty() && text.size() <= 253 && OnlyOf(text, "-.") && text.front() != '-' &&
         text.front() != '.' && text.back() != '-' && text.back() != '.' &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool IsS3Path(std::string_view text) {
  if (!text.starts_with("s3://") || text.size() > 1024) return false;
  text.remove_prefix(5);
  const std::string_view bucket = text.substr(0, text.find('/'));
  return bucket.size() >= 3 && bucket.size() <= 63 && OnlyOf(bucket, ".-_") &&
         OnlyOf(text, "/.-_=");
}

bool IsHttpUrl(std::string_view text) {
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return false;
  }
  return !text.empty() && text.size() <= 1024 && text.front() != '/' && text.front() != ':' &&
         OnlyOf(text, "/.-_:[]");
}

bool IsRetention(std::string_view text) {
  if (text.size() < 2 || text.size() > 6 || text[0] < '1' || text[0] > '9') return false;
  if (std::string_view("dwm").find(text.back()) == std::string_view::npos) return false;
  return text.substr(0, text.size() - 1).find_first_not_of("0123456789") == std::string_view::npos;
}

struct CronField {
  std::string_view what;
  int min, max;
  std::string_view names;  // three letters each, the first one counts as `min`
};

constexpr std::array<CronField, 6> kCronFields{
    {{"second", 0, 59, {}},
     {"minute", 0, 59, {}},
     {"hour", 0, 23, {}},
     {"day of the month", 1, 31, {}},
     {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
     {"day of the week", 0, 6, "SUNMONTUEWEDTHUFRISAT"}}};

std::optional<int> CronValue(const CronField& field, std::string_view text) {
  if (const auto number = Integer(text); number && *number >= field.min && *number <= field.max)
    return static_cast<int>(*number);
  if (text.size() != 3) return std::nullopt;
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (size_t i = 0; i + 3 <= field.names.size(); i += 3) {
    if (field.names.substr(i, 3) == upper) return field.min + static_cast<int>(i / 3);
  }
  return std::nullopt;
}

bool CronRange(const CronField& field, std::string_view text) {
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto step = Integer(text.substr(slash + 1));
    if (!step || *step < 1 || *step > field.max) return false;
    text = text.substr(0, slash);
  }
  if (text == "*" || text == "?") return true;
  const size_t dash = text.find('-');
  const auto from = CronValue(field, text.substr(0, dash));
  if (!from || dash == std::string_view::npos) return from.has_value();
  const auto to = CronValue(field, text.substr(dash + 1));
  return to && *from <= *to;
}

std::vector<std::string_view> Split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t at = text.find(by);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

// One member of `backup`, a string that must satisfy `is`.
struct BackupField {
  const char* name;
  const char* standard;  // null: no default
  bool required;
  bool (*is)(std::string_view);
  const char* rule;
};

constexpr BackupField kBackupFields[] = {
    {"destinationPath", nullptr, true, IsS3Path, "must look like s3://bucket/path"},
    {"endpointURL", nullptr, false, IsHttpUrl, "must be an http or https URL"},
    {"credentialsSecret", nullptr, true, IsObjectName,
     "must name the Secret with the object store's keys"},
    {"accessKeyIdKey", "ACCESS_KEY_ID", false,
     [](std::string_view s) { return !s.empty() && s.size() <= 253 && OnlyOf(s, "-_."); },
     "must be a key of a Secret"},
    {"secretAccessKeyKey", "ACCESS_SECRET_KEY", false,
     [](std::string_view s) { return !s.empty() && s.size() <= 253 && OnlyOf(s, "-_."); },
     "must be a key of a Secret"},
    {"schedule", "0 0 1 * * *", false, nullptr, ""},
    {"retentionPolicy", "30d", false, IsRetention,
     "must be a number of days, weeks or months such as 30d, 4w or 6m"},
};

Json NormalisedBackup(const Json& given, const Complain& complain, const Warn& warn) {
  if (given.IsNull()) return {};
  if (!given.IsObject()) {
    complain("/backup", "WrongType", "backup must be null or an object");
    return {};
  }
  for (const std::string& key : given.keys()) {
    if (std::none_of(std::begin(kBackupFields), std::end(kBackupFields),
                     [&](const BackupField& field) { return key == field.name; }))
      complain("/backup/" + key, "UnknownField", "backup has no member " + key);
  }
  Json out = Json::Obj();
  for (const BackupField& field : kBackupFields) {
    const Json& value = given[field.name];
    const std::string pointer = std::string("/backup/") + field.name;
    if (value.IsNull()) {
      if (field.required) complain(pointer, "Required", std::string(field.name) + " " + field.rule);
      if (field.standard != nullptr) out.Set(field.name, field.standard);
      continue;
    }
    const std::string error = !value.IsString()            ? "must be a string"
                              : field.is == nullptr        ? CronError(value.AsString())
                              : field.is(value.AsString()) ? ""
                                                           : field.rule;
    if (!error.empty()) complain(pointer, "InvalidValue", std::string(field.name) + " " + error);
    out.Set(field.name, value);
  }
  if (out["endpointURL"].AsString().starts_with("http://"))
    warn("/backup/endpointURL", "backups travel unencrypted over http");
  return out;
}

}  // namespace

std::string CronError(const std::string& schedule) {
  static constexpr std::string_view kDescriptors[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                                      "@daily",  "@midnight", "@hourly"};
  if (std::find(std::begin(kDescriptors), std::end(kDescriptors), schedule) !=
      std::end(kDescriptors))
    return {};
  const auto fields = Split(schedule, ' ');
  if (fields.size() == 5) {
    return "has five fields, but six are needed, seconds first: write \"0 " + schedule +
           "\" for what a crontab calls \"" + schedule + "\"";
  }
  if (fields.size() != 6)
    return "must have six fields: second, minute, hour, day of the month, month, day of the week";
  for (size_t i = 0; i < fields.size(); ++i) {
    for (const std::string_view range : Split(fields[i], ',')) {
      if (!CronRange(kCronFields[i], range)) {
        return "has the field \"" + std::string(fields[i]) + "\", which is no " +
               std::string(kCronFields[i].what);
      }
    }
  }
  return {};
}

Json NormalisedSpec(const Json& spec, const Complain& complain, const Warn& warn) {
  if (!spec.IsObject()) {
    complain("", "WrongType", "the spec must be an object");
    return {};
  }
  Json out = spec;
  const auto quantity = [&](const char* name, auto parse, int64_t min, int64_t max,
                            const char* range) -> int64_t {
    const Json& value = spec[name];
    const auto parsed =
        value.IsInt() ? parse(std::to_string(value.AsInt())) : parse(value.AsString());
    if (!parsed || *parsed < min || *parsed > max) {
      complain(std::string("/") + name, "InvalidQuantity",
               std::string(name) + " must be a quantity " + range);
      return min;
    }
    if (value.IsInt()) out.Set(name, std::to_string(value.AsInt()));
    return *parsed;
  };
  Sizing sizing;
  sizing.storage_bytes = quantity("storage", Bytes, kGi, 65536 * kGi, "from 1Gi to 64Ti");
  sizing.memory_bytes = quantity("memory", Bytes, 256 * kMi, 4096 * kGi, "from 256Mi to 4Ti");
  sizing.cpu_millis = quantity("cpu", Millis, 100, 512000, "from 100m to 512");
  const Json& instances = spec["instances"];
  if (!instances.IsInt() || instances.AsInt() < 1 || instances.AsInt() > 15)
    complain("/instances", "OutOfRange", "instances must be a whole number from 1 to 15");
  if (!spec["tier"].IsString()) complain("/tier", "Required", "tier must be a string");
  if (!spec["pod_monitor"].IsNull() && !spec["pod_monitor"].IsBool())
    complain("/pod_monitor", "WrongType", "pod_monitor must be true or false");
  out.Set("pod_monitor", spec["pod_monitor"].AsBool());
  out.Set("parameters", NormalisedParameters(spec["parameters"], sizing, complain));
  if (out["parameters"]["autovacuum"].AsString() == "off")
    warn("/parameters/autovacuum", "without autovacuum tables bloat and transaction ids run out");
  if (out["parameters"]["synchronous_commit"].AsString() == "off")
    warn("/parameters/synchronous_commit", "a crash loses the last committed transactions");
  out.Set("backup", NormalisedBackup(spec["backup"], complain, warn));
  return out;
}

Instance::Instance(const Json& input) {
  const Json& spec = input["spec"];
  const Json& who = input["instance"];
  id = who["id"].AsString();
  name = who["name"].AsString();
  ns = who["namespace"].AsString();
  seed = who["seed"].AsString();
  tier = spec["tier"].AsString();
  instances = spec["instances"].AsInt();
  pod_monitor = spec["pod_monitor"].AsBool();
  sizing.memory_bytes = Bytes(spec["memory"].AsString()).value_or(0);
  sizing.storage_bytes = Bytes(spec["storage"].AsString()).value_or(0);
  sizing.cpu_millis = Millis(spec["cpu"].AsString()).value_or(0);
  parameters = spec["parameters"];
  backup = spec["backup"];
  if (id.empty() || name.empty() || ns.empty())
    throw slipway::Error(SLIPWAY_INVALID, "IncompleteInput", "id, name and namespace are required",
                         "/instance");
}

std::string Instance::ServerName() const {
  std::string suffix;
  for (const char c : seed.empty() ? id : seed) {
    if (suffix.size() == 8) break;
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) suffix += c;
    if (c >= 'A' && c <= 'Z') suffix += static_cast<char>(c - 'A' + 'a');
  }
  return name + "-" + suffix;
}

}  // namespace cnpg
