#include "spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "parameters.h"

namespace cnpg {
namespace {

std::string Text(const Value& value) {
  if (value.IsString()) return std::string(Str(value));
  if (value.IsBool()) return value.GetBool() ? "on" : "off";
  return Dump(value);
}

std::string Escape(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

const std::string* Find(const Spec& spec, std::string_view name) {
  for (const auto& [key, value] : spec.parameters) {
    if (key == name) return &value;
  }
  return nullptr;
}

void ReadParameters(const Value& parameters, Spec& spec, const Complain& complain) {
  if (parameters.IsNull()) return;
  if (!parameters.IsObject()) return complain("/parameters", "WrongType", "must be an object of server parameters");
  for (const auto& member : parameters.GetObject()) {
    const std::string name(Str(member.name));
    const std::string field = "/parameters/" + Escape(name);
    if (IsOperatorOwned(name)) {
      complain(field, "ParameterOwnedByOperator", name + " is set by the operator and cannot be changed");
      continue;
    }
    const Parameter* known = FindParameter(name);
    if (known == nullptr) {
      complain(field, "UnknownParameter", name + " is not a parameter that can be set here");
      continue;
    }
    if (!member.value.IsString() && !member.value.IsNumber() && !member.value.IsBool()) {
      complain(field, "WrongType", name + " must be a string, a number or a boolean");
      continue;
    }
    std::string value = Text(member.value);
    if (known->kind == ParameterKind::kBool && (value == "true" || value == "false")) value = value == "true" ? "on" : "off";
    if (const std::string wrong = CheckValue(*known, value); !wrong.empty()) {
      complain(field, "ValueOutOfRange", name + " " + wrong);
      continue;
    }
    spec.parameters.emplace_back(name, value);
  }
  std::sort(spec.parameters.begin(), spec.parameters.end());

  const int64_t memory = QuantityBytes(spec.memory), storage = QuantityBytes(spec.storage);
  if (const std::string* buffers = Find(spec, "shared_buffers"); buffers != nullptr && PostgresBytes(*buffers) > memory / 2) {
    complain("/parameters/shared_buffers", "ValueOutOfRange", "shared_buffers may take half of the tier's memory, which is " + spec.memory);
  }
  if (const std::string* connections = Find(spec, "max_connections")) {
    // A backend costs some MiB; a server that cannot hold its connections in memory is killed, not slow.
    const int64_t most = std::max<int64_t>(50, memory / (4 << 20));
    if (std::stoll(*connections) > most) complain("/parameters/max_connections", "ValueOutOfRange", "max_connections may be " + std::to_string(most) + " with " + spec.memory + " of memory");
  }
  const std::string* low = Find(spec, "min_wal_size");
  const std::string* high = Find(spec, "max_wal_size");
  if (PostgresBytes(low != nullptr ? *low : "80MB") >= PostgresBytes(high != nullptr ? *high : "1GB")) {
    complain(low != nullptr ? "/parameters/min_wal_size" : "/parameters/max_wal_size", "ValueOutOfRange", "min_wal_size (default 80MB) must be less than max_wal_size (default 1GB)");
  }
  if (high != nullptr && PostgresBytes(*high) > storage / 2) complain("/parameters/max_wal_size", "ValueOutOfRange", "max_wal_size may take half of the volume, which is " + spec.storage);
}

bool IsRetention(std::string_view text) {
  if (text.size() < 2 || text[0] < '1' || text[0] > '9') return false;
  if (text.back() != 'd' && text.back() != 'w' && text.back() != 'm') return false;
  return std::all_of(text.begin(), text.end() - 1, [](char c) { return c >= '0' && c <= '9'; });
}

size_t Words(std::string_view text) {
  size_t words = 0;
  for (size_t i = 0; i < text.size(); ++i) words += text[i] != ' ' && (i == 0 || text[i - 1] == ' ') ? 1 : 0;
  return words;
}

void ReadBackup(const Value& value, Spec& spec, const Complain& complain) {
  if (value.IsNull()) return;
  if (!value.IsObject()) return complain("/backup", "WrongType", "must be an object with destinationPath and credentialsSecret");
  Backup backup;
  backup.access_key_id_key = "ACCESS_KEY_ID";
  backup.secret_access_key_key = "ACCESS_SECRET_KEY";
  backup.schedule = "0 0 1 * * *";
  backup.retention_policy = "30d";
  const std::pair<std::string_view, std::string*> fields[] = {
      {"destinationPath", &backup.destination_path},       {"endpointURL", &backup.endpoint_url},
      {"credentialsSecret", &backup.credentials_secret},   {"accessKeyIdKey", &backup.access_key_id_key},
      {"secretAccessKeyKey", &backup.secret_access_key_key}, {"schedule", &backup.schedule},
      {"retentionPolicy", &backup.retention_policy}};
  for (const auto& member : value.GetObject()) {
    const std::string name(Str(member.name));
    const auto field = std::find_if(std::begin(fields), std::end(fields), [&](const auto& f) { return f.first == name; });
    if (field == std::end(fields)) {
      complain("/backup/" + Escape(name), "UnknownField", name + " is not a field of backup");
    } else if (!member.value.IsString()) {
      complain("/backup/" + Escape(name), "WrongType", name + " must be a string");
    } else {
      *field->second = Str(member.value);
    }
  }
  if (backup.destination_path.rfind("s3://", 0) != 0 || backup.destination_path.size() < 6) complain("/backup/destinationPath", "ValueOutOfRange", "must be s3://BUCKET/PREFIX");
  if (backup.credentials_secret.empty()) complain("/backup/credentialsSecret", "Required", "name the Secret that holds the object store's keys");
  if (!IsRetention(backup.retention_policy)) complain("/backup/retentionPolicy", "ValueOutOfRange", "must be a number and d, w or m, like 30d");
  if (backup.schedule.rfind('@', 0) != 0 && Words(backup.schedule) != 6) {
    complain("/backup/schedule", "ValueOutOfRange", "must have six fields, seconds first (\"0 0 1 * * *\" is daily at 01:00 UTC); five fields would be read with the first one as seconds");
  }
  spec.backup = std::move(backup);
}

}  // namespace

int64_t QuantityBytes(std::string_view text) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}, {"Ti", 1099511627776.0}};
  double number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || number < 0) return 0;
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const auto& [name, factor] : kUnits) {
    if (unit == name) return static_cast<int64_t>(number * factor);
  }
  return 0;
}

int64_t PostgresBytes(std::string_view text) {
  static constexpr std::pair<std::string_view, int64_t> kUnits[] = {{"B", 1}, {"kB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", int64_t{1} << 40}};
  int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || number < 0 || number > (int64_t{1} << 20)) return -1;
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (number == 0 && unit.empty()) return 0;
  for (const auto& [name, factor] : kUnits) {
    if (unit == name) return number * factor;
  }
  return -1;
}

Spec ReadSpec(const Value& value, const Complain& complain) {
  Spec spec;
  spec.tier = Str(At(value, "tier"));
  spec.storage = Str(At(value, "storage"));
  spec.memory = Str(At(value, "memory"));
  spec.cpu = Str(At(value, "cpu"));
  spec.instances = static_cast<int>(Int(At(value, "instances"), 1));
  spec.pod_monitor = Bool(At(value, "pod_monitor"));
  if (spec.instances < 1 || spec.instances > 9) complain("/instances", "ValueOutOfRange", "must be from 1 to 9");
  for (const auto& [field, text] : {std::pair{"/storage", &spec.storage}, {"/memory", &spec.memory}}) {
    if (QuantityBytes(*text) < (64 << 20)) complain(field, "ValueOutOfRange", "must be a quantity of at least 64Mi");
  }
  ReadParameters(At(value, "parameters"), spec, complain);
  ReadBackup(At(value, "backup"), spec, complain);
  return spec;
}

std::string WriteSpec(const Spec& spec) {
  Obj parameters;
  for (const auto& [key, value] : spec.parameters) parameters.Str(key, value);
  Obj out;
  out.Str("tier", spec.tier).Num("instances", spec.instances).Str("storage", spec.storage).Str("memory", spec.memory).Str("cpu", spec.cpu);
  out.Bool("pod_monitor", spec.pod_monitor).Add("parameters", parameters);
  if (!spec.backup) return out.Raw("backup", "null").Text();
  const Backup& b = *spec.backup;
  Obj backup;
  backup.Str("destinationPath", b.destination_path);
  if (!b.endpoint_url.empty()) backup.Str("endpointURL", b.endpoint_url);
  backup.Str("credentialsSecret", b.credentials_secret).Str("accessKeyIdKey", b.access_key_id_key).Str("secretAccessKeyKey", b.secret_access_key_key);
  backup.Str("schedule", b.schedule).Str("retentionPolicy", b.retention_policy);
  return out.Add("backup", backup).Text();
}

}  // namespace cnpg
