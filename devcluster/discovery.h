#pragma once

#include <optional>

#include "base/json.h"
#include "devcluster/kinds.h"
#include "http/server.h"

namespace slipway::sim {

// Answers /version, /api, /apis, /api/v1, /apis/group, /apis/group/version and /openapi. Returns
// nothing for any other path.
std::optional<http::Response> Discover(const KindRegistry& kinds, const http::Request& request);

}  // namespace slipway::sim
