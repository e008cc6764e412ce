#pragma once

#include "devcluster/vitess/pass.h"

namespace slipway::sim::operators::vitess {

// Plays the Jobs that an engine makes beside its VitessCluster, which owns them: vtctldclient with
// BackupShard or RemoveBackup, one command per container, init containers first. `storage` is the
// cluster's VitessBackupStorage.
Result<void> PlayClientJobs(ClusterPass& pass, Json& storage);

}  // namespace slipway::sim::operators::vitess
