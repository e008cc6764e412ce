// How much the parts beside mysqld get; it follows the size of the instance.
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

inline constexpr int kEtcdMembers = 3;  // the operator knows no other number
// Volumes of a shard's backups at the same time: an initial or running one and those kept with
// their jobs.
inline constexpr int kBackupVolumes = 3;

const Sizes& SizesOf(const Database& database);

}  // namespace vitess
