// The kit, in the namespace of this engine.
#pragma once
#include <slipway/kit/kit.h>

namespace mongodb {

using namespace slipway::kit;  // NOLINT(google-build-using-namespace): inside mongodb only

}  // namespace mongodb
