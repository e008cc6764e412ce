#pragma once

#include <string_view>

namespace slipway {

// Named places at which the kill test ends the process. A boundary has two names, NAME.before and
// NAME.after. Compiled out of release builds.
//
//   SLIPWAY_FAILPOINT=NAME#N       SIGKILL at the N-th pass (from 1) of NAME
//   SLIPWAY_FAILPOINT_TRACE=FILE   append each name as it is passed
//
// Every name must be a literal at its call site: the kill test lists them from the source.
#ifdef SLIPWAY_FAILPOINTS
void PassFailpoint(std::string_view name);
#define SLIPWAY_FAILPOINT(name) ::slipway::PassFailpoint(name)
#else
#define SLIPWAY_FAILPOINT(name) static_cast<void>(0)
#endif

}  // namespace slipway
