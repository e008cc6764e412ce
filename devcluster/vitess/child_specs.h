#pragma once

#include "base/json.h"
#include "devcluster/vitess/cluster_spec.h"

namespace slipway::sim::operators::vitess {

// The specs of the custom resources that the operator derives from a VitessCluster. Pure.
Json CellSpec(const ClusterSpec& spec, const Cell& cell);
Json KeyspaceSpec(const ClusterSpec& spec, const Keyspace& keyspace);
Json ShardSpec(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard);

}  // namespace slipway::sim::operators::vitess
