#pragma once

#include "devcluster/operators/pass.h"

namespace slipway::sim::operators {

// Tells whether a real controller looks after an object that nobody has marked yet. It does when it
// has an account of its own, when it has observed the object, or when it is quicker than we are.
Result<bool> SomebodyElsePlays(Pass& pass, const Json& object, const char* account);

}  // namespace slipway::sim::operators
