#pragma once

#include <string_view>

namespace slipway {

// Named places at which the kill test ends the process. A boundary has two names, NAME.before and
// NAME.after. In a release build a failpoint does nothing: failpoint.cc alone knows the difference,
// so that builds with and without share every other object.
//
//   SLIPWAY_FAILPOINT=NAME#N       SIGKILL at the N-th pass (from 1) of NAME
//   SLIPWAY_FAILPOINT_TRACE=FILE   append each name as it is passed
//
// Each name is a literal at its call site, for the kill test finds the names in the source.
void PassFailpoint(std::string_view name);
#define SLIPWAY_FAILPOINT(name) ::slipway::PassFailpoint(name)

}  // namespace slipway
