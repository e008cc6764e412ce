#pragma once

#include "sim/operators/pass.h"

namespace slipway::sim::operators {

// Whether a real controller looks after an object that bears no mark of anybody yet: it has an
// account of its own, has observed the object, or is quicker.
Result<bool> SomebodyElsePlays(Pass& pass, const Json& object, const char* account);

}  // namespace slipway::sim::operators
