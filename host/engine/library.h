#pragma once

#include <string>

#include <slipway/engine.h>

#include "base/result.h"

namespace slipway::engine {

// Maps a staged engine until the process ends and asks its entry for the table. `path` is absolute.
// Call it only after ProbeElf and CheckFacts: it runs the library's initialisers. Reasons:
// LoadFailed MissingSymbol AbiMajor.
Result<const slipway_engine_api*> LoadLibrary(const std::string& path);

}  // namespace slipway::engine
