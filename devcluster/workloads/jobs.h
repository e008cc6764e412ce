#pragma once

#include <vector>

#include "devcluster/operators/pass.h"

namespace slipway::sim::operators::workloads {

// Plays the job controller in a cluster that has none. It makes pods, up to the parallelism, until
// as many as asked for have succeeded or more than allowed have failed. It deletes a finished job
// after its ttlSecondsAfterFinished. `pods` are the pods in the namespace; new ones are added to
// it.
Result<void> PlayWholeJob(Pass& pass, Json& job, std::vector<Json>& pods);

}  // namespace slipway::sim::operators::workloads
