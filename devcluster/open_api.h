#pragma once

#include "devcluster/kinds.h"
#include "http/server.h"

namespace slipway::sim {

// Answers /openapi/v3 well enough for kubectl's validation and for `kubectl explain` of custom
// resources. The schemas of built-in kinds are open objects. /openapi/v2 is a 404, so clients use
// v3.
http::Response OpenApi(const KindRegistry& kinds, const http::Request& request);

}  // namespace slipway::sim
