#pragma once

#include <vector>

#include "devcluster/operators/pass.h"

namespace slipway::sim::operators::workloads {

// Plays the cron job controller in a cluster that has none. It makes a Job at each time of the
// schedule (UTC), as far as the concurrency policy allows, and deletes the oldest ended ones. Of
// several missed times it uses the last. `jobs` are the jobs in the namespace.
Result<void> PlayCronJob(Pass& pass, Json& cron, std::vector<Json>& jobs);

}  // namespace slipway::sim::operators::workloads
