#pragma once

#include "base/json.h"
#include "sim/vitess/cluster_spec.h"

namespace slipway::sim::operators::vitess {

// The specs of the custom resources that the operator makes of a VitessCluster's. Pure.
Json CellSpec(const ClusterSpec& spec, const Cell& cell);
Json KeyspaceSpec(const ClusterSpec& spec, const Keyspace& keyspace);
Json ShardSpec(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard);

}  // namespace slipway::sim::operators::vitess
