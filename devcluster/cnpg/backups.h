#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "devcluster/cnpg/pass.h"

namespace slipway::sim::operators::cnpg {

// One pass over a ScheduledBackup or a Backup. Returns the milliseconds until the next look, or -1
// to wait for the next change of the object. An object that comes before its Cluster waits for it.
// kNotFound when the object does not exist. Where no server stands behind the instances, a Backup
// makes no data.
Result<int64_t> ReconcileScheduledBackup(PassEnvironment& env, const std::string& ns,
                                         const std::string& name);
Result<int64_t> ReconcileBackup(PassEnvironment& env, const std::string& ns,
                                const std::string& name);

// The real operator's pause before it looks for a Cluster again.
inline constexpr double kClusterMs = 30'000;
// Milliseconds that such a pause takes here.
int64_t Paced(const PassEnvironment& env, double ms);
// The digits of the time in UTC, to the second: "20261123112116".
std::string CompactTime(int64_t unix_ms);
// Sends a merge patch of an object's status.
Result<void> PatchStatusOf(PassEnvironment& env, const Json& object, Json status);

}  // namespace slipway::sim::operators::cnpg
