#pragma once

#include "http/server.h"
#include "sim/kinds.h"

namespace slipway::sim {

// /openapi/v3: enough for kubectl's validation and `kubectl explain` of custom resources. The
// schemas of built-in kinds are open objects. /openapi/v2 is 404, clients then use v3.
http::Response OpenApi(const KindRegistry& kinds, const http::Request& request);

}  // namespace slipway::sim
