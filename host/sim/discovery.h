#pragma once

#include <optional>

#include "base/json.h"
#include "http/server.h"
#include "sim/kinds.h"

namespace slipway::sim {

// /version, /api, /apis, /api/v1, /apis/group, /apis/group/version and /openapi. Nothing when the
// path is none of them.
std::optional<http::Response> Discover(const KindRegistry& kinds, const http::Request& request);

}  // namespace slipway::sim
