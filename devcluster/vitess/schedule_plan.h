#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "devcluster/vitess/cluster_spec.h"

namespace slipway::sim::operators::vitess {

// What a VitessBackupSchedule wants for one shard.
struct ShardSchedule {
  std::string key;  // in its status: the strategy's name, or "<strategy>-<keyspace>-<shard>"
  const Keyspace* keyspace = nullptr;
  const Shard* shard = nullptr;
  std::string cron;
};

// Expands strategies of wider scopes and leaves out shards that do not exist. `spec` must outlive
// the result. Pure.
std::vector<ShardSchedule> Expand(const Json& schedule, const ClusterSpec& spec);

// Turns "15m" or "2h" into a crontab line. The shard's names decide at which point of the interval
// it runs. Returns "" when the frequency does not divide an hour or a day.
std::string CronOf(const std::string& frequency, const std::string& of);

}  // namespace slipway::sim::operators::vitess
