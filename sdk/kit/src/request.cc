#include <algorithm>

#include <slipway/engine.hpp>
#include <slipway/kit/quantity.h>
#include <slipway/kit/request.h>

namespace slipway::kit {

namespace {

template <bool (*Is)(std::string_view)>
std::string Unless(const std::string& value, const char* rule) {
  return Is(value) ? std::string() : std::string(rule);
}

}  // namespace

bool OnlyOf(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

bool OneOf(std::string_view values, std::string_view value) {
  while (true) {
    const size_t bar = values.find('|');
    if (values.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    values.remove_prefix(bar + 1);
  }
}

bool IsObjectName(std::string_view text) {
  return !text.empty() && text.size() <= 253 && OnlyOf(text, "-.") && text.front() != '-' &&
         text.front() != '.' && text.back() != '-' && text.back() != '.' &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool IsSecretKey(std::string_view text) {
  return !text.empty() && text.size() <= 253 && OnlyOf(text, "-_.");
}

bool IsS3Path(std::string_view text) {
  if (!text.starts_with("s3://") || text.size() > 1024) return false;
  text.remove_prefix(5);
  const std::string_view bucket = text.substr(0, text.find('/'));
  return bucket.size() >= 3 && bucket.size() <= 63 && OnlyOf(bucket, ".-_") &&
         OnlyOf(text, "/.-_=");
}

bool IsDnsLabel(std::string_view text) {
  return IsObjectName(text) && text.size() <= 63 && text.find('.') == std::string_view::npos;
}

bool IsFilePath(std::string_view text) {
  if (!text.starts_with("file:///") || text.size() > 1024) return false;
  text.remove_prefix(8);
  return !text.empty() && OnlyOf(text, "/.-_=") && text.find("..") == std::string_view::npos;
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

std::string SecretKeyError(const std::string& value) {
  return Unless<IsSecretKey>(value, "must be a key of a Secret");
}

std::string RetentionError(const std::string& value) {
  return Unless<IsRetention>(value,
                             "must be a number of days, weeks or months such as 30d, 4w or 6m");
}

std::string S3PathError(const std::string& value) {
  return Unless<IsS3Path>(value, "must look like s3://bucket/path");
}

std::string StorePathError(const std::string& value) {
  return IsFilePath(value) ? std::string() : S3PathError(value);
}

std::string DnsLabelError(const std::string& value) {
  return Unless<IsDnsLabel>(value, "must be a lower-case DNS label of at most 63 characters");
}

std::string HttpUrlError(const std::string& value) {
  return Unless<IsHttpUrl>(value, "must be an http or https URL");
}

std::string CredentialsSecretError(const std::string& value) {
  return Unless<IsObjectName>(value, "must name the Secret with the object store's keys");
}

Sizing NormaliseTier(Json& spec, const Complain& complain) {
  const auto quantity = [&](const char* name, auto parse, int64_t min, int64_t max,
                            const char* range) -> int64_t {
    const Json value = spec[name];
    const auto parsed =
        value.IsInt() ? parse(std::to_string(value.AsInt())) : parse(value.AsString());
    if (!parsed || *parsed < min || *parsed > max) {
      complain(std::string("/") + name, "InvalidQuantity",
               std::string(name) + " must be a quantity " + range);
      return min;
    }
    if (value.IsInt()) spec.Set(name, std::to_string(value.AsInt()));
    return *parsed;
  };
  Sizing sizing;
  sizing.storage_bytes = quantity("storage", Bytes, kGi, 65536 * kGi, "from 1Gi to 64Ti");
  sizing.memory_bytes = quantity("memory", Bytes, 256 * kMi, 4096 * kGi, "from 256Mi to 4Ti");
  sizing.cpu_millis = quantity("cpu", Millis, 100, 512000, "from 100m to 512");
  const Json instances = spec["instances"];
  if (!instances.IsInt() || instances.AsInt() < 1 || instances.AsInt() > 15)
    complain("/instances", "OutOfRange", "instances must be a whole number from 1 to 15");
  if (!spec["tier"].IsString()) complain("/tier", "Required", "tier must be a string");
  if (!spec["pod_monitor"].IsNull() && !spec["pod_monitor"].IsBool())
    complain("/pod_monitor", "WrongType", "pod_monitor must be true or false");
  spec.Set("pod_monitor", spec["pod_monitor"].AsBool());
  return sizing;
}

Json NormalisedBackup(const Json& given, std::span<const BackupField> fields,
                      const Complain& complain, const Warn& warn) {
  if (given.IsNull()) return {};
  if (!given.IsObject()) {
    complain("/backup", "WrongType", "backup must be null or an object");
    return {};
  }
  // The host gives all that it knows of its own store; an engine keeps what it has a use for.
  const bool of_host = given.Has(kStore.name);
  for (const std::string& key : given.keys()) {
    if (of_host && OneOf("region|regionKey|caKey", key)) continue;
    if (std::none_of(fields.begin(), fields.end(),
                     [&](const BackupField& field) { return key == field.name; }))
      complain("/backup/" + key, "UnknownField", "backup has no member " + key);
  }
  Json out = Json::Obj();
  for (const BackupField& field : fields) {
    const Json& value = given[field.name];
    const std::string pointer = std::string("/backup/") + field.name;
    if (value.IsNull()) {
      if (field.required)
        complain(pointer, "Required", std::string(field.name) + " " + field.error(""));
      if (field.standard != nullptr) out.Set(field.name, field.standard);
      continue;
    }
    const std::string error =
        value.IsString() ? field.error(value.AsString()) : std::string("must be a string");
    if (!error.empty()) complain(pointer, "InvalidValue", std::string(field.name) + " " + error);
    out.Set(field.name, value);
  }
  if (out["endpointURL"].AsString().starts_with("http://"))
    warn("/backup/endpointURL", "backups travel unencrypted over http");
  return out;
}

std::string LifeNameOf(const Json& instance) {
  const std::string& seed = instance["seed"].AsString();
  std::string suffix;
  for (const char c : seed.empty() ? instance["id"].AsString() : seed) {
    if (suffix.size() == 8) break;
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) suffix += c;
    if (c >= 'A' && c <= 'Z') suffix += static_cast<char>(c - 'A' + 'a');
  }
  return instance["name"].AsString() + "-" + suffix;
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
  source = spec["source"];
  if (id.empty() || name.empty() || ns.empty())
    throw slipway::Error(SLIPWAY_INVALID, "IncompleteInput", "id, name and namespace are required",
                         "/instance");
}

std::string Instance::LifeName() const {
  return LifeNameOf(Json::Obj({{"name", name}, {"seed", seed}, {"id", id}}));
}

}  // namespace slipway::kit
