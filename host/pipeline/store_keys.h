#pragma once

#include <optional>

#include "pipeline/tick.h"

namespace slipway::pipeline {

// Puts the Secrets with the keys of the stores that the operation's instance uses into its
// namespace: of its own backups, and of the source that it is restored from. An outcome means that
// not all of them are there.
std::optional<StageOutcome> PutStoreKeys(Tick& tick);

}  // namespace slipway::pipeline
