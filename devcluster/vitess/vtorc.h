#pragma once

#include <functional>
#include <vector>

#include "devcluster/vitess/pass.h"

namespace slipway::sim::operators::vitess {

// The tablets that may take over; never empty.
using Candidates = std::vector<const Tablet*>;
using Choose = std::function<const Tablet*(const Candidates&)>;

// Plays what the tablets and vtorc write into the topology. `choose` picks the new primary.
Result<void> PlayVtorc(ClusterPass& pass, const Choose& choose);

}  // namespace slipway::sim::operators::vitess
