#pragma once

#include <string>

#include "devcluster/cnpg/pass.h"

namespace slipway::sim::operators::cnpg {

// The plugin's side of an ObjectStore.

// Where the archive of a server is, by the ObjectStore's destination. What is missing (it, its
// Secrets, a key of them) becomes a refusal in the plugin's words.
PostgresRuntime::Archive ResolveArchive(PassEnvironment& env, const std::string& ns,
                                        const std::string& object_store,
                                        const std::string& server_name);

// status.serverRecoveryWindow[server] after what is in the store now; `field` (lastFailedBackupTime
// or lastSuccessfulBackupTime, "" for neither) becomes `time`.
Result<void> WriteRecoveryWindow(PassEnvironment& env, const std::string& ns,
                                 const std::string& object_store,
                                 const PostgresRuntime::Archive& archive, const std::string& field,
                                 const std::string& time);

}  // namespace slipway::sim::operators::cnpg
