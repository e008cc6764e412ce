#pragma once

#include <optional>
#include <string>
#include <vector>

#include "devcluster/operators/process.h"
#include "devcluster/vitess/backups.h"

namespace slipway::sim::operators::vitess {

// Backup locations as directories of this machine, laid out as Vitess does it:
// ROOT/KEYSPACE/RANGE/2026-11-22.060102.WRITER. A backup is complete once it has a MANIFEST.

// The directory of the cluster's first location; "" without one. A volume of type hostPath is
// itself; every other location is a directory below `buckets`.
std::string BucketRoot(const ClusterSpec& spec, const std::string& buckets);

// Where a new, empty tablet looks for backups, if its flags say another place than the location.
std::optional<std::string> RootByFlags(const ClusterSpec& spec, const Tablet& tablet,
                                       const std::string& buckets);
// The tablet without the flags that RootByFlags() reads.
Tablet WithoutRootFlags(Tablet tablet);

// kNotFound when there is no such directory.
Result<std::vector<BucketEntry>> ListBucket(const std::string& root, const ClusterSpec& spec);

// "2026-11-22.060102.WRITER"
std::string BackupName(int64_t start_ms, const std::string& writer);
// The directory of a backup, whether it exists or not.
std::string BackupDirectory(const std::string& root, const Keyspace& keyspace, const Shard& shard,
                            const std::string& name);
// The directory of the backup that the tablet restores: the newest complete full one, at or before
// the time that its flags name. "" when there is none.
std::string FindBackup(const std::string& root, const Keyspace& keyspace, const Shard& shard,
                       const Tablet& tablet);
// Makes what is missing of the path; it belongs to the account, which has to write there.
Result<void> MakeBucketPath(const std::string& path, const Account& account);
// Removes the manifest first: what a kill leaves is no backup any more.
Result<void> RemoveBackupFiles(const std::string& directory);

}  // namespace slipway::sim::operators::vitess
