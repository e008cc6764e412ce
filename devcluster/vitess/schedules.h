#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "devcluster/vitess/pass.h"

namespace slipway::sim::operators::vitess {

// Whether this pass plays the cluster's machinery for jobs, too.
enum class Jobs { kPlayed, kLeft };

// Runs one pass over a VitessBackupSchedule. It plans the next times, makes Jobs that are due and
// puts their backups into the bucket. Returns when to look again; kNotFound when the schedule is
// gone.
Result<int64_t> ReconcileSchedule(Environment& env, PassMemory& memory, const std::string& ns,
                                  const std::string& name, Jobs jobs);

}  // namespace slipway::sim::operators::vitess
