#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "sim/operators/pass.h"

namespace slipway::sim::operators::vitess {

// Whether the cluster's machinery is played too.
enum class Jobs { kPlayed, kLeft };

// One pass over a VitessBackupSchedule: the next times, Jobs for the ones that are due, their
// backups in the bucket. The answer says when to look again; kNotFound when it is gone.
Result<int64_t> ReconcileSchedule(PassEnvironment& env, PassMemory& memory, const std::string& ns,
                                  const std::string& name, Jobs jobs);

}  // namespace slipway::sim::operators::vitess
