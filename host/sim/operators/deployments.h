#pragma once

#include <string>
#include <vector>

#include "sim/operators/pass.h"

namespace slipway::sim::operators {

// The Deployment and ReplicaSet controllers, played where nobody else is one: a ReplicaSet per
// template, its pods, the counters and conditions of both. A change of the template rolls: a new
// pod first, an old one goes when the new one is ready.
//
// `sets` and `pods` are those of the namespace that may be the Deployment's (others are left
// alone); what is made is added to them.
Result<void> PlayDeployment(Pass& pass, Json& deployment, std::vector<Json>& sets,
                            std::vector<Json>& pods);

// Its controller says so.
bool DeploymentAvailable(const Json& deployment);

}  // namespace slipway::sim::operators
