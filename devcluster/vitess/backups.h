#pragma once

#include "devcluster/vitess/objects.h"
#include "devcluster/vitess/pass.h"

namespace slipway::sim::operators::vitess {

// A backup in the bucket of a cluster. The simulator keeps the bucket in an annotation of the
// VitessBackupStorage.
struct BucketEntry {
  std::string keyspace, shard;  // the latter in its safe form
  BackupFile file;

  // True when both entries come from the same run.
  bool SameAs(const BucketEntry& other) const {
    return keyspace == other.keyspace && shard == other.shard && file.by == other.file.by &&
           file.start_ms == other.file.start_ms;
  }
};

std::vector<BucketEntry> ReadBucket(const Json& storage);
// Adds the entry, or replaces the entry of the same run.
Result<void> WriteBucket(Pass& pass, Json& storage, const BucketEntry& entry);
// Removes the entry of that name in the bucket, if it is there.
Result<void> EraseFromBucket(Pass& pass, Json& storage, const std::string& keyspace,
                             const std::string& shard, const std::string& name);

// True when a new, empty tablet of the shard finds a complete backup to begin with.
bool BackupFor(ClusterPass& pass, const ShardView& view, const Tablet& tablet);

// Who writes a backup that vtctld is asked for: a replica, or the primary where the flags allow it.
// kPrecondition when there is none.
Result<const Tablet*> WriterFor(const Pass& pass, const ClusterSpec& spec, const Shard& shard,
                                const Json& flags);

// The number in "vtbackup-UID", for the pod that writes the backup.
uint32_t WriterUid(const Json& pod);

}  // namespace slipway::sim::operators::vitess
