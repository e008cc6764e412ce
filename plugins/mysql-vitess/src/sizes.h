// The sizes of the parts beside mysqld; they follow from the size of the instance.
#pragma once
#include "spec.h"

namespace vitess {

struct Amount {
  int64_t cpu_millis, memory_mi, memory_limit_mi;

  Json Resources() const;
};

struct Sizes {
  Amount etcd, vtctld, vtorc, gateway, vttablet, exporter;
  int64_t etcd_storage_gi;
};

inline constexpr int kEtcdMembers = 3;  // the operator makes no other number
// The most volumes that the backups of a shard have at a time: an initial or running one, and those
// kept with their jobs.
inline constexpr int kBackupVolumes = 3;

const Sizes& SizesOf(const Database& database);

// The quota of the whole cluster.
Json Quota(const Database& database);

}  // namespace vitess
