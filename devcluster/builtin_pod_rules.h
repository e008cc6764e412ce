#pragma once

#include <string>
#include <vector>

#include "devcluster/kinds.h"
#include "devcluster/status.h"

namespace slipway::sim {

// Finds what the server refuses in a pod, or in the pod template of a workload: list elements
// without their key, and other fields that clients forget.
std::vector<Cause> ValidatePodSpec(const Kind& kind, const Json& object);

// Finds what the server refuses in the ports of a Service.
std::vector<Cause> ValidateServicePorts(const Json& object);

}  // namespace slipway::sim
