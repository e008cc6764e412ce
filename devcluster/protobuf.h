#pragma once

#include <string_view>

#include "base/json.h"
#include "devcluster/status.h"

namespace slipway::sim {

// Reads Kubernetes protobuf, which kubectl's `create` commands send for some kinds: Namespace,
// Secret, ConfigMap, ServiceAccount, Service, DeleteOptions. 415 for other kinds. Leaves out fields
// that are not described.
Answer<Json> ReadProtobuf(std::string_view body);

}  // namespace slipway::sim
