// The kit, in the namespace of this engine.
#pragma once
#include <slipway/kit/kit.h>

namespace vitess {

using namespace slipway::kit;  // NOLINT(google-build-using-namespace): inside vitess only

}  // namespace vitess
