#pragma once

#include "devcluster/operators/pass.h"

namespace slipway::sim::operators::workloads {

// Takes one step with a pod that no operator plays: it is placed on a node, its claims are bound,
// its containers start and become ready. A pod that need not run for ever (restartPolicy Never or
// OnFailure) succeeds after a while. No program runs in it.
//
// The annotation slipway.dev/sim-fault on the pod (that is, on the pod template) knows
// unschedulable, image-pull and never-ready, and "fails" for a pod that need not run for ever.
Result<void> PlayPod(Pass& pass, Json& pod);

// True when the service leads to the pod.
bool Selects(const Json& service, const Json& pod);
// Marks a service that leads to such a pod with the annotation by which the host knows that no
// server answers there.
Result<void> MarkService(Pass& pass, Json& service);
// Marks all services that lead to the pod.
Result<void> MarkServicesOf(Pass& pass, const Json& pod);

}  // namespace slipway::sim::operators::workloads
