#pragma once

#include <string>

#include <slipway/engine.h>

#include "base/result.h"

namespace slipway::engine {

// Maps a staged engine for the rest of the process and asks its entry for the table. `path` is
// absolute. Runs the library's initialisers, so: only after ProbeElf and CheckFacts.
// Reasons: LoadFailed MissingSymbol AbiMajor.
Result<const slipway_engine_api*> LoadLibrary(const std::string& path);

}  // namespace slipway::engine
