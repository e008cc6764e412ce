#pragma once

#include <string>

#include "base/result.h"
#include "devcluster/api.h"

namespace slipway::sim {

// Makes what a cluster has before anyone comes: its namespaces, its nodes, a storage class and the
// custom resource definitions (those of `crds_dir`, or ours when it is ""). Existing objects stay
// as they are, but definitions are brought up to date.
Result<void> Bootstrap(Api& api, const std::string& crds_dir);

}  // namespace slipway::sim
