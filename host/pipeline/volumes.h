#pragma once

#include "base/result.h"
#include "pipeline/tick.h"

namespace slipway::pipeline {

// Whether the operation, a delete, was asked to leave the instance's volumes behind.
bool RetainsVolumes(const store::OperationRecord& operation);

// Whether the engine watches its claims: without that the host cannot find the volumes.
bool WatchesVolumes(const Json& description);

// Makes the PersistentVolumes behind the instance's claims outlive them (reclaim policy Retain) and
// stores their names in the operation's remnants, before anything is deleted. Idempotent.
Result<void> RetainVolumes(const TickDeps& deps, TickContext& context);

}  // namespace slipway::pipeline
