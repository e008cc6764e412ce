#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "devcluster/vitess/cluster_spec.h"

namespace slipway::sim::operators::vitess {

// The objects that the operator creates. Names, labels and owners were recorded from the real
// operator. Pure.

// The children of the VitessCluster, in the order of their creation.
std::vector<Json> ClusterObjects(const ClusterSpec& spec, const Json& cluster);
// The children of the EtcdLockserver: services, budget, claims, pods.
std::vector<Json> EtcdObjects(const ClusterSpec& spec, const Json& etcd);
// The children of the VitessCell: vtgate's service and Deployment.
std::vector<Json> CellObjects(const ClusterSpec& spec, const Cell& cell, const Json& object);
// A child of the VitessKeyspace: one of its shards.
Json ShardObject(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard,
                 const Json& owner);
// The children of the VitessShard: vtorc and, for each tablet, a claim and a pod.
std::vector<Json> ShardObjects(const ClusterSpec& spec, const Keyspace& keyspace,
                               const Shard& shard, const Json& object);
// The claim and the pod of the initial backup.
std::vector<Json> InitialBackup(const ClusterSpec& spec, const Keyspace& keyspace,
                                const Shard& shard, const Json& object);
std::vector<Json> BackupStorageObjects(const ClusterSpec& spec, const Json& storage);

// A backup in the bucket.
struct BackupFile {
  int64_t start_ms = 0, end_ms = 0;  // 0: still being written
  std::string by;                    // "vtbackup-2093948112", or a tablet's alias
  uint32_t uid = 0;                  // of the writer
  // What its manifest says; "" for values that a real manifest might have.
  std::string position = {}, engine = {};
  bool incremental = false;  // only the changes since another one
};

Json BackupObject(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard,
                  const Json& storage, const BackupFile& file);

std::string VtgateService(const ClusterSpec& spec);
std::string VtctldService(const ClusterSpec& spec);
std::string VtctldDeployment(const ClusterSpec& spec, const std::string& cell);
std::string CellGateway(const ClusterSpec& spec, const std::string& cell);  // both its objects
std::string VtorcDeployment(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard,
                            const std::string& cell);
std::string InitialBackupName(const ClusterSpec& spec, const Keyspace& keyspace,
                              const Shard& shard);
std::string SubcontrollerName(const Json& storage);

}  // namespace slipway::sim::operators::vitess
