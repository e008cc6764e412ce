#pragma once

#include <optional>
#include <vector>

#include "pipeline/lifecycle.h"
#include "pipeline/tick.h"

namespace slipway::pipeline {

// The stages: one look at each. A look may be repeated at any time without harm.

// Provisioning (stages_create.cc).
StageOutcome RunPlanning(Tick& tick);
StageOutcome RunNamespaceCreation(Tick& tick);
StageOutcome RunEngineStage(Tick& tick);
StageOutcome RunCredentialGen(Tick& tick);
StageOutcome RunNothing(Tick& tick);
// Of an update (stages_update.cc).
StageOutcome RunQuota(Tick& tick);
StageOutcome RunQuotaRelease(Tick& tick);
// Of a drill (drills.cc).
StageOutcome RunCheck(Tick& tick);

// Demolition (stages_demolition.cc): deletes by uid from the inventory, then looks until nothing is
// left.
StageOutcome RunResourceDeletion(Tick& tick, const Warrant& warrant);
StageOutcome RunNamespaceDeletion(Tick& tick, const Warrant& warrant);

}  // namespace slipway::pipeline
