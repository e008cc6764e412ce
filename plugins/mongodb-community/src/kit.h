// What this engine takes of the kit, under its own name.
#pragma once
#include <slipway/kit/kit.h>

namespace mongodb {

using namespace slipway::kit;  // NOLINT(google-build-using-namespace): inside mongodb only

}  // namespace mongodb
