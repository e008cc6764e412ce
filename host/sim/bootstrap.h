#pragma once

#include <string>

#include "base/result.h"
#include "sim/api.h"

namespace slipway::sim {

// What a cluster has before anyone comes: its namespaces, nodes, a storage class and the custom
// resource definitions (those of `crds_dir`, ours when it is ""). Objects that are there already
// stay; definitions are brought up to date.
Result<void> Bootstrap(Api& api, const std::string& crds_dir);

}  // namespace slipway::sim
