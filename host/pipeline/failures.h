#pragma once

#include <string>

#include "base/result.h"
#include "pipeline/tick.h"

namespace slipway::pipeline {

// What follows from a failure, by its kind and by the side that failed. Pure, but for the ping.

// The right that is missing: namespace "" for the whole cluster, name "patch clusters.example.org".
store::WaitingFor PermissionWait(const Error& error);

// A failure of the cluster as the stage sees it: worth another try, or the end of the stage. An API
// server that does not even answer a ping leaves the look blind.
StageOutcome FromClusterError(Tick& tick, const Error& error);
// The same for an engine's failure. An engine that is not there is waited for; one that crashed or
// errs again and again blocks the operation.
StageOutcome FromEngineError(Tick& tick, const Error& error);
// The engine cannot be asked at all: a deletion goes on without it.
bool CannotBeAsked(const Error& error);

StageOutcome Waits(store::WaitingFor waiting_for, std::string reason, std::string message,
                   int64_t delay_ms);

// The limit of the stage is used up; names what it waited for and the last words about it.
Error DeadlineExceeded(const store::StageRecord& stage, int64_t limit_ms);

}  // namespace slipway::pipeline
