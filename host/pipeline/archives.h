#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "pipeline/backup_stores.h"
#include "store/store.h"

namespace slipway::pipeline {

// The archive of an instance with that spec; nullopt when no store of the host keeps its backups.
std::optional<store::ArchiveRecord> ArchiveOf(const store::InstanceRecord& instance);

// What a delete says of the backups: nullopt when nothing.
std::optional<bool> RetainsBackups(const store::OperationRecord& operation);

// Does a delete begin with a backup?
bool HasFinalBackup(const store::OperationRecord& operation);

// For how long the backups of the instance stay once it is deleted.
int64_t KeptAfterDeleteMs(const store::InstanceRecord& instance,
                          const std::vector<BackupStore>& stores);

// When the host removes the archive of an instance that this operation took away.
int64_t ArchiveExpiry(const store::OperationRecord& operation,
                      const store::InstanceRecord& instance, const std::vector<BackupStore>& stores,
                      int64_t now_ms);

// The manifest lies beside the backups: all that a host without our database needs to restore from
// them. It holds no secret.
inline constexpr char kManifestName[] = "slipway-manifest.json";
inline constexpr size_t kLargestManifest = 4 << 20;

struct Manifest {
  store::InstanceRecord instance;
  std::vector<store::BackupRecord> backups;
  int64_t expires_ms = 0;
};

std::string ManifestText(const Manifest& manifest);
// kInvalid "NoManifest": it is damaged, or of a newer host.
Result<Manifest> ReadManifest(const std::string& text);

}  // namespace slipway::pipeline
