// The kit, in the namespace of this engine.
#pragma once
#include <slipway/kit/kit.h>

namespace cnpg {

using namespace slipway::kit;  // NOLINT(google-build-using-namespace): inside cnpg only

}  // namespace cnpg
