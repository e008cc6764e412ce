#include "parameters.h"

#include <algorithm>
#include <map>
#include <utility>

#include "gucs.h"
#include "units.h"

namespace cnpg {

namespace {

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
      RefusedGucs(),
      {[](std::string_view text, int64_t) { return PgKilobytes(text); }, MemoryText,
       "must be a whole number with the unit kB, MB, GB or TB, such as \"64MB\""},
      {PgMillis, TimeText,
       "must be a whole number with the unit ms, s, min, h or d, such as \"30s\""}};
  return kList;
}

int64_t KbOf(const ParameterValues& values, const std::string& name) {
  return PgKilobytes(values.at(name)).value_or(0);
}

// Limits that a replay needs, and the server's value where nothing is set.
constexpr std::pair<const char*, int64_t> kReplayLimits[] = {{"max_connections", 100},
                                                             {"max_worker_processes", 8},
                                                             {"max_wal_senders", 10},
                                                             {"max_prepared_transactions", 0},
                                                             {"max_locks_per_transaction", 64}};

using Floors = std::map<std::string, int64_t>;

// The limits that the source has set and the user has not. Complains about a limit that the user
// set too low, and about an instance that is too small for the source's.
Floors ReplayFloors(const Json& source, const Sizing& sizing, const ParameterValues& values,
                    const Complain& complain) {
  Floors floors;
  if (!source.IsObject()) return floors;
  for (const auto& [name, standard] : kReplayLimits) {
    const auto set = Integer(source[name].AsString());
    const int64_t least = set.value_or(standard);
    const auto given = values.find(name);
    if (given == values.end()) {
      if (set) floors.emplace(name, least);
    } else if (Integer(given->second).value_or(0) < least) {
      complain(ParameterPointer(name), "ParameterTooSmall",
               std::string(name) + " = " + given->second +
                   " is less than that of the source: its log is replayed with at least " +
                   std::to_string(least));
    }
  }
  const auto connections = floors.find("max_connections");
  if (connections != floors.end() && connections->second > MaxConnectionsLimit(sizing)) {
    complain("/tier", "TierTooSmall",
             "the source has max_connections = " + std::to_string(connections->second) + ", and " +
                 FromBytes(sizing.memory_bytes) + " of memory allow " +
                 std::to_string(MaxConnectionsLimit(sizing)));
    connections->second = 0;
  }
  return floors;
}

void FillDefaults(const Sizing& sizing, const Floors& floors, ParameterValues& values) {
  const auto fill = [&](const char* name, const std::string& value) {
    const auto floor = floors.find(name);
    const bool low =
        floor != floors.end() && Integer(value).value_or(floor->second) < floor->second;
    values.try_emplace(name, low ? std::to_string(floor->second) : value);
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
  for (const auto& [name, least] : floors) values.try_emplace(name, std::to_string(least));
}

// Checks limits that follow from the size of the instance, and rules between parameters.
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

Json NormalisedParameters(const Json& given, const Sizing& sizing, const Json& source,
                          const Complain& complain) {
  auto values = ReadParameters(List(), given, complain);
  if (!values) return Json::Obj();
  FillDefaults(sizing, ReplayFloors(source, sizing, *values, complain), *values);
  CheckTogether(sizing, *values, complain);
  return ToJson(*values);
}

Json OwnParameters(const Json& given, const Json& previous) {
  const Json& standing = previous["parameters"];
  if (!given.IsObject() || !standing.IsObject()) return given;
  Json sized = previous;
  const Complain nobody = [](const std::string&, const std::string&, const std::string&) {};
  const Sizing sizing = NormaliseTier(sized, nobody);
  Json out = Json::Obj();
  // A default is what comes back when it is left out.
  const auto was_default = [&](const std::string& name) {
    Json others = Json::Obj();
    for (const std::string& other : standing.keys())
      if (other != name) others.Set(other, standing[other]);
    return NormalisedParameters(others, sizing, {}, nobody)[name] == standing[name];
  };
  for (const std::string& name : given.keys()) {
    if (given[name] != standing[name] || !was_default(name)) out.Set(name, given[name]);
  }
  return out;
}

Json ParametersSchema() {
  return SchemaOf(List());
}

}  // namespace cnpg
