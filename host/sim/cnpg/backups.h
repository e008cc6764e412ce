#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "sim/cnpg/pass.h"

namespace slipway::sim::operators::cnpg {

// One pass over a ScheduledBackup or a Backup. The answer says when to look again, -1 for "on the
// next change". Nothing real is saved: only the statuses are played.
Result<int64_t> ReconcileScheduledBackup(PassEnvironment& env, const std::string& ns,
                                         const std::string& name);
Result<int64_t> ReconcileBackup(PassEnvironment& env, const std::string& ns,
                                const std::string& name);

}  // namespace slipway::sim::operators::cnpg
