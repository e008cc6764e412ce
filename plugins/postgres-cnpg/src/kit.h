// What this engine takes of the kit, under its own name.
#pragma once
#include <slipway/kit/kit.h>

namespace cnpg {

using namespace slipway::kit;  // NOLINT(google-build-using-namespace): inside cnpg only

}  // namespace cnpg
