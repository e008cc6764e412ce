#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace slipway::sim::operators::vitess {

inline constexpr char kGroup[] = "planetscale.com/v2", kKind[] = "VitessCluster";
inline constexpr int kEtcdMembers = 3;

struct Tablet {
  std::string alias, cell, pool_type, name;  // of its Pod and its claim
  uint32_t uid = 0;
  int index = 0;
  Json pool;  // the tablet's pool
};

struct Shard {
  std::string range, safe, name;  // for example "-", "x-x", and the VitessShard
  std::vector<Tablet> tablets;
  std::vector<std::string> cells;  // of pools of type replica; sorted
  Json spec;                       // the template or the custom shard
};

struct Keyspace {
  std::string name, object, database;
  bool immediate_turndown = false;
  std::vector<Shard> shards;
  std::vector<std::vector<std::string>> partitionings;  // the ranges of their shards
  Json spec;

  int64_t desired_tablets() const;
};

struct Cell {
  std::string name, object;
  Json spec;
};

// What a pass needs from a VitessCluster, read once.
struct ClusterSpec {
  std::string name, ns, uid, fault;
  bool own_etcd = true;  // false: the lockserver is somewhere else
  bool has_backup = false;
  bool immediate = false;  // updateStrategy
  std::vector<Cell> cells;
  std::vector<Keyspace> keyspaces;
  Json spec;

  static ClusterSpec Parse(const Json& cluster);

  Json etcd() const;  // the spec of the EtcdLockserver
  std::vector<std::string> dashboard_cells() const;
};

}  // namespace slipway::sim::operators::vitess
