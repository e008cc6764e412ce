#pragma once

#include <string_view>

#include "base/json.h"
#include "sim/status.h"

namespace slipway::sim {

// kubectl's `create` commands send some kinds as Kubernetes protobuf. Reads those (Namespace,
// Secret, ConfigMap, ServiceAccount, Service, DeleteOptions); 415 for others. What is not described
// is left out.
Answer<Json> ReadProtobuf(std::string_view body);

}  // namespace slipway::sim
