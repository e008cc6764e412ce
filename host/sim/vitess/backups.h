#pragma once

#include "sim/vitess/objects.h"
#include "sim/vitess/pass.h"

namespace slipway::sim::operators::vitess {

// What lies in the bucket of a cluster. The simulator keeps it in an annotation of the
// VitessBackupStorage.
struct BucketEntry {
  std::string keyspace, shard;  // the latter in its safe form
  BackupFile file;

  // Of the same run.
  bool SameAs(const BucketEntry& other) const {
    return keyspace == other.keyspace && shard == other.shard && file.by == other.file.by &&
           file.start_ms == other.file.start_ms;
  }
};

std::vector<BucketEntry> ReadBucket(const Json& storage);
// Adds the entry or replaces the one with the same writer.
Result<void> WriteBucket(Pass& pass, Json& storage, const BucketEntry& entry);

// A complete backup of the shard is in the bucket.
bool BackupInBucket(ClusterPass& pass, const ShardView& view);

// Of "vtbackup-UID", for the pod that writes it.
uint32_t WriterUid(const Json& pod);

}  // namespace slipway::sim::operators::vitess
