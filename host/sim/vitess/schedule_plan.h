#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "sim/vitess/cluster_spec.h"

namespace slipway::sim::operators::vitess {

// What a VitessBackupSchedule asks for of one shard.
struct ShardSchedule {
  std::string key;  // in its status: the strategy's name, or "<strategy>-<keyspace>-<shard>"
  const Keyspace* keyspace = nullptr;
  const Shard* shard = nullptr;
  std::string cron;
};

// Strategies of wider scopes are expanded; shards that are not there are left out. `spec` outlives
// the answer. Pure.
std::vector<ShardSchedule> Expand(const Json& schedule, const ClusterSpec& spec);

// The crontab line of "15m" or "2h", spread over the interval by the shard's names; "" when the
// frequency does not divide an hour or a day.
std::string CronOf(const std::string& frequency, const std::string& of);

}  // namespace slipway::sim::operators::vitess
