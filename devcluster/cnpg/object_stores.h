#pragma once

#include <string>

#include "devcluster/cnpg/pass.h"

namespace slipway::sim::operators::cnpg {

// What the plugin reads from an ObjectStore and writes to it.

// The archive of a server in an ObjectStore. When the ObjectStore, one of its Secrets or a key in
// them is missing, the archive has a refusal in the plugin's words.
PostgresRuntime::Archive ResolveArchive(PassEnvironment& env, const std::string& ns,
                                        const std::string& object_store,
                                        const std::string& server_name);

// Writes status.serverRecoveryWindow[server] as the bases in the store are now. Sets `field`
// (lastFailedBackupTime or lastSuccessfulBackupTime, "" for neither) to `time`, an RFC 3339 text.
// Needs `env.runtime`. It is no error when the ObjectStore is gone.
Result<void> WriteRecoveryWindow(PassEnvironment& env, const std::string& ns,
                                 const std::string& object_store,
                                 const PostgresRuntime::Archive& archive, const std::string& field,
                                 const std::string& time);

}  // namespace slipway::sim::operators::cnpg
