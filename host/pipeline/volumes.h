#pragma once

#include "base/result.h"
#include "pipeline/tick.h"

namespace slipway::pipeline {

// Whether the operation, a delete, was asked to leave the instance's volumes behind.
bool RetainsVolumes(const store::OperationRecord& operation);

// The label selector of the instance's claims; "" when the engine has not told one, and the host
// cannot find the volumes.
std::string ClaimsSelector(const Json& description, const store::InstanceRecord& instance);

// Makes the PersistentVolumes behind the instance's claims outlive them (reclaim policy Retain) and
// stores their names in the operation's remnants, before anything is deleted. Idempotent.
Result<void> RetainVolumes(Tick& tick);

}  // namespace slipway::pipeline
