#pragma once

#include <string>
#include <vector>

#include "sim/vitess/pass.h"

namespace slipway::sim::operators::vitess {

inline constexpr char kObservedGeneration[] = "planetscale.com/observed-shard-generation";

// How the tablet's pod differs from what is wanted, "" when it does not.
std::string PendingChanges(ClusterPass& pass, const ShardView& view, const Tablet& tablet);

// What is left of a tablet that is in no pool any more.
struct Orphan {
  std::string alias;
  Json* pod = nullptr;
  Json* claim = nullptr;
};

std::vector<Orphan> OrphansOf(ClusterPass& pass, const ShardView& view);

}  // namespace slipway::sim::operators::vitess
