#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "pipeline/tick.h"

namespace slipway::pipeline {

// Turns an engine's `outputs.endpoints` into addresses with what the Services say, into
// context.outputs: `host` inside the cluster, `external` where a load balancer has one, `simulated`
// with the reason where a development cluster runs no server behind it. A Service that the engine
// does not watch is asked for. Fails when the cluster does. Returns the first Service that is to
// get an address from a load balancer and has none yet; "" when there is none.
Result<std::string> TakeOutputs(const TickDeps& deps, TickContext& context, const Json& outputs,
                                const Json& observed);

}  // namespace slipway::pipeline
