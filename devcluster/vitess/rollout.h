#pragma once

#include <string>
#include <vector>

#include "devcluster/vitess/pass.h"

namespace slipway::sim::operators::vitess {

inline constexpr char kObservedGeneration[] = "planetscale.com/observed-shard-generation";

// The differences between the tablet's pod and the wanted one; "" for none.
std::string PendingChanges(ClusterPass& pass, const ShardView& view, const Tablet& tablet);

// The remains of a tablet that is no longer in any pool.
struct Orphan {
  std::string alias;
  Json* pod = nullptr;
  Json* claim = nullptr;
};

std::vector<Orphan> OrphansOf(ClusterPass& pass, const ShardView& view);

}  // namespace slipway::sim::operators::vitess
