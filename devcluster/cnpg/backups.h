#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "devcluster/cnpg/pass.h"

namespace slipway::sim::operators::cnpg {

// One pass over a ScheduledBackup or a Backup. The answer says when to look again, -1 for "on the
// next change". Where no server stands behind the instances only the statuses are played.
Result<int64_t> ReconcileScheduledBackup(PassEnvironment& env, const std::string& ns,
                                         const std::string& name);
Result<int64_t> ReconcileBackup(PassEnvironment& env, const std::string& ns,
                                const std::string& name);

// "20261123112116"
std::string CompactTime(int64_t unix_ms);
// A merge patch of an object's status.
Result<void> PatchStatusOf(PassEnvironment& env, const Json& object, Json status);

}  // namespace slipway::sim::operators::cnpg
