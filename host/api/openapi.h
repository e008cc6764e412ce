#pragma once

#include <string>
#include <vector>

#include "api/routes.h"
#include "base/json.h"

namespace slipway::api {

// The OpenAPI 3.1 document of these routes.
Json MakeOpenApi(const std::vector<Route>& routes, const std::string& version);

// #/components/schemas; resource schemas are closed, so that a test sees every field that is new.
Json MakeSchemas();

}  // namespace slipway::api
