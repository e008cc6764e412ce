#pragma once

#include <string>
#include <vector>

#include "devcluster/operators/pass.h"

namespace slipway::sim::operators {

// Plays the Deployment and ReplicaSet controllers in a cluster that has none: a ReplicaSet per
// template, its pods, and the counters and conditions of both. A change of the template rolls: a
// new pod comes first, and an old one goes when the new one is ready.
//
// `sets` and `pods` are the objects in the namespace that may belong to the Deployment; others are
// left alone. New objects are added to them.
Result<void> PlayDeployment(Pass& pass, Json& deployment, std::vector<Json>& sets,
                            std::vector<Json>& pods);

// True when its controller says that it is available.
bool DeploymentAvailable(const Json& deployment);

}  // namespace slipway::sim::operators
