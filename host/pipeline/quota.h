#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "kube/cluster.h"
#include "store/store.h"

namespace slipway::pipeline {

inline constexpr char kResourceQuota[] = "ResourceQuota";

// One ResourceQuota "slipway" with the sum of what the residents planned, as it is after the write:
// whoever comes or goes meanwhile is in it. Written against the version that was read; kConflict
// when another one wrote in between.
Result<void> SettleQuota(kube::Cluster& cluster, const store::Store& store, const std::string& ns);

// The quota that leaves no room for a pod or a claim that the instance lacks, whoever's it is;
// nullopt when none does. `needs`: the instance's, from its plan. Only kinds that the engine
// watches count.
Result<std::optional<store::WaitingFor>> RefusingQuota(kube::Cluster& cluster,
                                                       const std::string& ns, const Json& needs,
                                                       const Json& watches, const Json& observed);

}  // namespace slipway::pipeline
