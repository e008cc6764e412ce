#include "parameters.h"

#include <algorithm>

#include "gucs.h"
#include "units.h"

namespace cnpg {

namespace {

constexpr int64_t kMB = 1024;
constexpr int64_t kGB = 1024 * kMB;

int64_t MemoryKb(const Sizing& sizing) {
  return sizing.memory_bytes >> 10;
}

int64_t StorageKb(const Sizing& sizing) {
  return sizing.storage_bytes >> 10;
}

int64_t MaxConnectionsLimit(const Sizing& sizing) {
  return std::clamp<int64_t>(MemoryKb(sizing) / kMB / 50 * 10, 20, 2000);
}

std::string MemoryText(int64_t kb) {
  return kb <= 0 ? std::to_string(kb) : FromPgKilobytes(kb);
}

std::string TimeText(int64_t ms) {
  return ms <= 0 ? std::to_string(ms) : std::to_string(ms) + "ms";
}

const ParameterList& List() {
  static const ParameterList kList = {
      AllowedGucs(),
      WhyRefused,
      {[](std::string_view text, int64_t) { return PgKilobytes(text); }, MemoryText,
       "must be a whole number with the unit kB, MB, GB or TB, such as \"64MB\""},
      {PgMillis, TimeText,
       "must be a whole number with the unit ms, s, min, h or d, such as \"30s\""}};
  return kList;
}

int64_t KbOf(const ParameterValues& values, const std::string& name) {
  return PgKilobytes(values.at(name)).value_or(0);
}

void FillDefaults(const Sizing& sizing, ParameterValues& values) {
  const auto fill = [&](const char* name, const std::string& value) {
    values.try_emplace(name, value);
  };
  const auto whole_mb = [](int64_t kb) { return FromPgKilobytes(kb / kMB * kMB); };
  const int64_t memory = MemoryKb(sizing);
  const int64_t storage = StorageKb(sizing);
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
void CheckTogether(const Sizing& sizing, const ParameterValues& values, const Complain& complain) {
  const auto at_most = [&](const char* name, int64_t limit_kb, const std::string& of) {
    const auto it = values.find(name);
    if (it == values.end() || PgKilobytes(it->second).value_or(0) <= limit_kb) return;
    complain(ParameterPointer(name), "ParameterOutOfRange",
             std::string(name) + " = " + it->second + " is more than " + of);
  };
  const std::string memory = "the instance's memory of " + FromBytes(sizing.memory_bytes);
  const std::string storage = "the instance's storage of " + FromBytes(sizing.storage_bytes);
  const int64_t shared = KbOf(values, "shared_buffers");
  at_most("shared_buffers", MemoryKb(sizing) / 2,
          shared > MemoryKb(sizing) ? memory : "half of " + memory);
  at_most("work_mem", MemoryKb(sizing) / 4, "a quarter of " + memory);
  at_most("temp_buffers", MemoryKb(sizing) / 4, "a quarter of " + memory);
  at_most("logical_decoding_work_mem", MemoryKb(sizing) / 4, "a quarter of " + memory);
  at_most("maintenance_work_mem", MemoryKb(sizing) / 2, "half of " + memory);
  at_most("autovacuum_work_mem", MemoryKb(sizing) / 4, "a quarter of " + memory);
  at_most("effective_cache_size", MemoryKb(sizing), memory);
  at_most("max_wal_size", StorageKb(sizing) / 2, "half of " + storage);
  at_most("max_slot_wal_keep_size", StorageKb(sizing) / 2, "half of " + storage);
  at_most("wal_keep_size", StorageKb(sizing) / 4, "a quarter of " + storage);
  const auto connections = Integer(values.at("max_connections"));
  if (connections && *connections > MaxConnectionsLimit(sizing)) {
    complain(ParameterPointer("max_connections"), "ParameterOutOfRange",
             "max_connections must be between 10 and " +
                 std::to_string(MaxConnectionsLimit(sizing)) + " with a memory of " +
                 FromBytes(sizing.memory_bytes));
  }
  if (KbOf(values, "min_wal_size") >= KbOf(values, "max_wal_size")) {
    complain(ParameterPointer("min_wal_size"), "ParameterConflict",
             "min_wal_size = " + values.at("min_wal_size") +
                 " must be less than max_wal_size = " + values.at("max_wal_size"));
  }
}

}  // namespace

Json NormalisedParameters(const Json& given, const Sizing& sizing, const Complain& complain) {
  auto values = ReadParameters(List(), given, complain);
  if (!values) return Json::Obj();
  FillDefaults(sizing, *values);
  CheckTogether(sizing, *values, complain);
  return ToJson(*values);
}

Json ParametersSchema() {
  return SchemaOf(List());
}

}  // namespace cnpg
