// What this engine takes of the kit, under its own name.
#pragma once
#include <slipway/kit/kit.h>

namespace vitess {

using namespace slipway::kit;  // NOLINT(google-build-using-namespace): inside vitess only

}  // namespace vitess
