#include "devcluster/vitess/schedule_plan.h"

#include <algorithm>
#include <cstdlib>

namespace slipway::sim::operators::vitess {

namespace {

bool HasStrategyOfItsOwn(const Json& schedule, const std::string& keyspace) {
  const auto& strategies = schedule.At("/spec/strategies").items();
  return std::any_of(strategies.begin(), strategies.end(), [&](const Json& strategy) {
    return strategy["scope"].AsString() == "Keyspace" &&
           strategy["keyspace"].AsString() == keyspace;
  });
}

}  // namespace

std::string CronOf(const std::string& frequency, const std::string& of) {
  if (frequency.empty()) return "";
  const int64_t number = std::atoll(frequency.c_str());
  const int64_t minutes = frequency.back() == 'h' ? number * 60 : number;
  if (minutes <= 0 || 1440 % minutes != 0) return "";
  uint32_t hash = 2166136261U;
  for (const char c : of) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  const int64_t offset = hash % minutes, minute = offset % 60, hour = offset / 60;
  if (minutes < 60 && 60 % minutes == 0) {
    const std::string from = std::to_string(minute) + "-59/" + std::to_string(minutes);
    return from + " * * * *";
  }
  if (minutes % 60 != 0) return "";
  if (minutes == 60) return std::to_string(minute) + " * * * *";
  return std::to_string(minute) + " " + std::to_string(hour) + "-23/" +
         std::to_string(minutes / 60) + " * * *";
}

std::vector<ShardSchedule> Expand(const Json& schedule, const ClusterSpec& spec) {
  std::vector<ShardSchedule> out;
  const std::string& frequency = schedule.At("/spec/frequency").AsString();
  for (const Json& strategy : schedule.At("/spec/strategies").items()) {
    const std::string &scope = strategy["scope"].AsString(), name = strategy["name"].AsString();
    const std::string& wanted = strategy["keyspace"].AsString();
    for (const Keyspace& keyspace : spec.keyspaces) {
      if (scope == "Cluster" ? HasStrategyOfItsOwn(schedule, keyspace.name)
                             : keyspace.name != wanted)
        continue;
      for (const Shard& shard : keyspace.shards) {
        const bool one = scope != "Cluster" && scope != "Keyspace";
        if (one && shard.range != strategy["shard"].AsString()) continue;
        const std::string of = spec.ns + spec.name + keyspace.name + shard.range;
        out.push_back(
            {one ? name : name + "-" + keyspace.name + "-" + shard.safe, &keyspace, &shard,
             frequency.empty() ? schedule.At("/spec/schedule").AsString() : CronOf(frequency, of)});
      }
    }
  }
  return out;
}

}  // namespace slipway::sim::operators::vitess
