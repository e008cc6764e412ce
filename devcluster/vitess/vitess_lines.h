#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "devcluster/vitess/pass.h"
#include "devcluster/vitess/servers.h"
#include "devcluster/vitess/topology.h"

namespace slipway::sim::operators::vitess {

// What we tell the programs of Vitess and what they answer: their arguments, without the program's
// name. Everything listens on 127.0.0.1 only. Pure.

using Line = std::vector<std::string>;

// How the programs of a cluster find each other.
struct VitessPlace {
  std::string topo_root;  // "/vitess/NAME"
  int etcd = 0;           // port
  std::string bucket;     // directory of backups; "" for none
};

VitessPlace PlaceOf(const ClusterSpec& spec, int etcd, const std::string& buckets);

Line EtcdLine(const std::string& directory, int client, int peer);
Line VtctldLine(const VitessPlace& place, const std::string& cell, int http, int grpc);
Line VtorcLine(const VitessPlace& place, const std::string& shard, const std::string& cell,
               int http, const Json& extra_flags);

struct VtgateSettings {
  std::string cell, cells, users_file;
  int http = 0, grpc = 0, mysql = 0;
};

Line VtgateLine(const VitessPlace& place, const VtgateSettings& settings, const Json& extra_flags);

struct TabletSettings {
  std::string init_script, control_socket;
  int mysql = 0, http = 0, grpc = 0;
};

Line MysqlctldLine(const Tablet& tablet, const TabletSettings& settings);
Line VttabletLine(const VitessPlace& place, const Keyspace& keyspace, const Shard& shard,
                  const Tablet& tablet, const TabletSettings& settings);
Line VtbackupLine(const VitessPlace& place, const BackupRun& run, const std::string& init_script,
                  int mysql);
Line BackupShardLine(const BackupRun& run);
// The text that is appended to the my.cnf that Vitess writes.
std::string ExtraMyCnf(const Json& pool);

// The complete command lines that vtctld gets once: cells, keyspaces. An answer that something
// exists already is no failure.
std::vector<Line> SetUpLines(const ClusterSpec& spec, const VitessPlace& place);

// Reads a backup's directory "2026-11-22.060102.zone1-0790125915" and its MANIFEST; "" for none.
BackupFile ParseBackup(const std::string& directory, const std::string& manifest);

// Reads what `vtctldclient GetTablets --format json` says about one shard.
Topology ParseTablets(const std::string& output, const Keyspace& keyspace, const Shard& shard);

}  // namespace slipway::sim::operators::vitess
