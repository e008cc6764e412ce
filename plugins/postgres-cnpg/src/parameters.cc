#include "parameters.h"

#include <algorithm>
#include <map>
#include <optional>

#include "gucs.h"
#include "units.h"

namespace cnpg {

namespace {

constexpr int64_t kMB = 1024;
constexpr int64_t kGB = 1024 * kMB;

using Values = std::map<std::string, std::string>;

std::string Pointer(std::string_view name) {
  std::string out = "/parameters/";
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

const Guc* Find(std::string_view name) {
  for (const Guc& guc : AllowedGucs()) {
    if (guc.name == name) return &guc;
  }
  return nullptr;
}

// What the user wrote, as text; nothing for objects, lists and null.
std::optional<std::string> TextOf(const Json& value) {
  if (value.IsString()) return value.AsString();
  if (value.IsBool()) return value.AsBool() ? "on" : "off";
  if (value.IsInt() || value.IsReal()) return value.Dump();
  return std::nullopt;
}

bool OneOf(std::string_view values, std::string_view value) {
  while (true) {
    const size_t bar = values.find('|');
    if (values.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    values.remove_prefix(bar + 1);
  }
}

std::string Thousandths(int64_t value) {
  std::string text = std::to_string(value / 1000);
  if (value % 1000 != 0) {
    text += "." + std::to_string(1000 + value % 1000).substr(1);
    while (text.back() == '0') text.pop_back();
  }
  return text;
}

std::string MemoryText(int64_t kb) {
  return kb <= 0 ? std::to_string(kb) : FromPgKilobytes(kb);
}

std::string TimeText(int64_t ms) {
  return ms <= 0 ? std::to_string(ms) : std::to_string(ms) + "ms";
}

struct Parsed {
  std::string text;   // canonical
  std::string error;  // empty: fine
};

Parsed OutOfRange(const std::string& from, const std::string& to) {
  return {{}, "must be between " + from + " and " + to};
}

Parsed ParseBool(std::string_view text) {
  if (OneOf("on|true|yes|1", text)) return {"on", {}};
  if (OneOf("off|false|no|0", text)) return {"off", {}};
  return {{}, "must be on or off"};
}

Parsed ParseOne(const Guc& guc, const std::string& text) {
  switch (guc.type) {
    case GucType::kInt: {
      const auto value = Integer(text);
      if (!value) return {{}, "must be a whole number"};
      if (*value < guc.min || *value > guc.max)
        return OutOfRange(std::to_string(guc.min), std::to_string(guc.max));
      return {std::to_string(*value), {}};
    }
    case GucType::kReal: {
      const auto value = Real(text);
      if (!value) return {{}, "must be a number"};
      if (*value * 1000 < static_cast<double>(guc.min) ||
          *value * 1000 > static_cast<double>(guc.max))
        return OutOfRange(Thousandths(guc.min), Thousandths(guc.max));
      return {text, {}};
    }
    case GucType::kBool:
      return ParseBool(text);
    case GucType::kEnum:
      if (OneOf(guc.values, text)) return {text, {}};
      return {{}, "must be one of " + std::string(guc.values)};
    case GucType::kMemory: {
      const auto value = PgKilobytes(text);
      if (!value)
        return {{}, "must be a whole number with the unit kB, MB, GB or TB, such as \"64MB\""};
      if (*value < guc.min || *value > guc.max)
        return OutOfRange(MemoryText(guc.min), MemoryText(guc.max));
      return {text, {}};
    }
    case GucType::kTime: {
      const auto value = PgMillis(text, guc.base_ms);
      if (!value)
        return {{}, "must be a whole number with the unit ms, s, min, h or d, such as \"30s\""};
      if (*value < guc.min || *value > guc.max)
        return OutOfRange(TimeText(guc.min), TimeText(guc.max));
      return {text, {}};
    }
    case GucType::kText:
      break;
  }
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::string_view("_+-/,. :").find(static_cast<char>(c)) != std::string_view::npos ||
           (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (text.empty() || text.size() > 64 || !plain)
    return {{}, "must be 1 to 64 letters, digits and _+-/,.: or spaces"};
  return {text, {}};
}

int64_t KbOf(const Values& values, const std::string& name) {
  return PgKilobytes(values.at(name)).value_or(0);
}

void FillDefaults(const Sizing& sizing, Values& values) {
  const auto fill = [&](const char* name, const std::string& value) {
    values.try_emplace(name, value);
  };
  const auto whole_mb = [](int64_t kb) { return FromPgKilobytes(kb / kMB * kMB); };
  const int64_t memory = sizing.MemoryKb();
  const int64_t storage = sizing.StorageKb();
  fill("max_connections", std::to_string(std::clamp<int64_t>(memory / kMB / 20, 25, 500)));
  fill("shared_buffers", whole_mb(std::max(memory / 4, 16 * kMB)));
  fill("effective_cache_size", whole_mb(memory * 3 / 4));
  fill("maintenance_work_mem", whole_mb(std::clamp(memory / 16, 16 * kMB, kGB)));
  const int64_t connections = std::max<int64_t>(Integer(values["max_connections"]).value_or(25), 1);
  fill("work_mem", whole_mb(std::clamp(memory / 4 / connections, kMB, 64 * kMB)));
  const int64_t wal = std::clamp(storage / 10, 128 * kMB, 32 * kGB);
  if (values.contains("min_wal_size")) {
    fill("max_wal_size", whole_mb(std::max(wal, KbOf(values, "min_wal_size") * 2)));
  } else {
    fill("max_wal_size", whole_mb(wal));
    fill("min_wal_size", whole_mb(std::clamp(KbOf(values, "max_wal_size") / 4, 32 * kMB, 2 * kGB)));
  }
  // A dead replica's slot must never fill the volume.
  fill("max_slot_wal_keep_size", whole_mb(std::max(storage / 5, 64 * kMB)));
  if (storage < 20 * kGB) fill("wal_keep_size", "128MB");
  const int64_t workers = std::clamp<int64_t>(sizing.cpu_millis * 2 / 1000, 2, 32);
  fill("max_worker_processes", std::to_string(std::max<int64_t>(workers, 8)));
  fill("max_parallel_workers", std::to_string(workers));
  fill("random_page_cost", "1.1");
  fill("log_min_duration_statement", "1s");
  // Any key of the module makes the operator load it and create the extension.
  fill("pg_stat_statements.max", memory < kGB ? "1000" : "5000");
  fill("pg_stat_statements.track", "top");
}

// Limits that follow the size of the instance and rules between parameters.
void CheckTogether(const Sizing& sizing, const Values& values, const Complain& complain) {
  const auto at_most = [&](const char* name, int64_t limit_kb, const std::string& of) {
    const auto it = values.find(name);
    if (it == values.end() || PgKilobytes(it->second).value_or(0) <= limit_kb) return;
    complain(Pointer(name), "ParameterOutOfRange",
             std::string(name) + " = " + it->second + " is more than " + of);
  };
  const std::string memory = "the instance's memory of " + FromBytes(sizing.memory_bytes);
  const std::string storage = "the instance's storage of " + FromBytes(sizing.storage_bytes);
  const int64_t shared = KbOf(values, "shared_buffers");
  at_most("shared_buffers", sizing.MemoryKb() / 2,
          shared > sizing.MemoryKb() ? memory : "half of " + memory);
  at_most("work_mem", sizing.MemoryKb() / 4, "a quarter of " + memory);
  at_most("temp_buffers", sizing.MemoryKb() / 4, "a quarter of " + memory);
  at_most("logical_decoding_work_mem", sizing.MemoryKb() / 4, "a quarter of " + memory);
  at_most("maintenance_work_mem", sizing.MemoryKb() / 2, "half of " + memory);
  at_most("autovacuum_work_mem", sizing.MemoryKb() / 4, "a quarter of " + memory);
  at_most("effective_cache_size", sizing.MemoryKb(), memory);
  at_most("max_wal_size", sizing.StorageKb() / 2, "half of " + storage);
  at_most("max_slot_wal_keep_size", sizing.StorageKb() / 2, "half of " + storage);
  at_most("wal_keep_size", sizing.StorageKb() / 4, "a quarter of " + storage);
  const auto connections = Integer(values.at("max_connections"));
  if (connections && *connections > sizing.MaxConnectionsLimit()) {
    complain(Pointer("max_connections"), "ParameterOutOfRange",
             "max_connections must be between 10 and " +
                 std::to_string(sizing.MaxConnectionsLimit()) + " with a memory of " +
                 FromBytes(sizing.memory_bytes));
  }
  if (KbOf(values, "min_wal_size") >= KbOf(values, "max_wal_size")) {
    complain(Pointer("min_wal_size"), "ParameterConflict",
             "min_wal_size = " + values.at("min_wal_size") +
                 " must be less than max_wal_size = " + values.at("max_wal_size"));
  }
}

}  // namespace

int64_t Sizing::MaxConnectionsLimit() const {
  return std::clamp<int64_t>(MemoryKb() / kMB / 50 * 10, 20, 2000);
}

Json NormalisedParameters(const Json& given, const Sizing& sizing, const Complain& complain) {
  Values values;
  bool sound = true;
  const auto wrong = [&](std::string_view name, const char* reason, const std::string& message) {
    sound = false;
    complain(Pointer(name), reason, message);
  };
  if (!given.IsNull() && !given.IsObject()) {
    sound = false;
    complain("/parameters", "WrongType", "parameters must be an object");
  }
  for (const std::string& name : given.keys()) {
    const Guc* guc = Find(name);
    if (const auto why = WhyRefused(name); !why.empty()) {
      wrong(name, "ParameterNotAllowed",
            "the parameter " + name + " cannot be set: " + std::string(why));
    } else if (guc == nullptr) {
      wrong(name, "UnknownParameter", "this engine does not know the parameter " + name);
    } else if (const auto text = TextOf(given[name]); !text) {
      wrong(name, "WrongType", "the value of " + name + " must be a string, number or boolean");
    } else {
      Parsed parsed = ParseOne(*guc, *text);
      if (!parsed.error.empty()) {
        wrong(name, "ParameterOutOfRange", "the value of " + name + " " + parsed.error);
      } else {
        values.emplace(name, std::move(parsed.text));
      }
    }
  }
  if (!sound) return Json::Obj();
  FillDefaults(sizing, values);
  CheckTogether(sizing, values, complain);
  Json out = Json::Obj();
  for (const auto& [name, value] : values) out.Set(name, value);
  return out;
}

Json ParametersSchema() {
  Json properties = Json::Obj();
  for (const Guc& guc : AllowedGucs()) {
    Json property = Json::Obj();
    switch (guc.type) {
      case GucType::kInt:
        property.Set("type", Json::Arr({"integer", "string"}))
            .Set("minimum", guc.min)
            .Set("maximum", guc.max);
        break;
      case GucType::kReal:
        property.Set("type", Json::Arr({"number", "string"}))
            .Set("minimum", static_cast<double>(guc.min) / 1000)
            .Set("maximum", static_cast<double>(guc.max) / 1000);
        break;
      case GucType::kBool:
        property.Set("type", Json::Arr({"boolean", "string", "integer"}));
        break;
      case GucType::kEnum: {
        Json values = Json::Arr();
        for (std::string_view rest = guc.values; !rest.empty();) {
          const size_t bar = rest.find('|');
          values.Push(rest.substr(0, bar));
          rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
        }
        if (OneOf(guc.values, "on")) values.Push(true);
        if (OneOf(guc.values, "off")) values.Push(false);
        property.Set("enum", std::move(values));
        break;
      }
      case GucType::kMemory:
        property.Set("type", Json::Arr({"string", "integer"}))
            .Set("description", "from " + MemoryText(guc.min) + " to " + MemoryText(guc.max));
        break;
      case GucType::kTime:
        property.Set("type", Json::Arr({"string", "integer"}))
            .Set("description", "from " + TimeText(guc.min) + " to " + TimeText(guc.max));
        break;
      case GucType::kText:
        property.Set("type", "string").Set("maxLength", 64);
        break;
    }
    properties.Set(guc.name, std::move(property));
  }
  return Json::Obj(
      {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}});
}

}  // namespace cnpg
