#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/backup_stores.h"
#include "store/store.h"

namespace slipway::pipeline {

struct Adopted {
  size_t instances = 0, backups = 0;
  size_t known = 0;                  // instances that the host knows already
  std::vector<std::string> refused;  // "folder: why"
};

// Makes records of the instances whose manifests lie in a store, for a host that has lost its own.
// They are deleted ones: they can be restored from, and nothing else. One that was not deleted when
// its manifest was written never expires, because its database may still archive. Errors are those
// of the bucket and of our database; what was adopted until then stays.
Result<Adopted> AdoptArchives(const BackupStore& place, bucket::Bucket& bucket, store::Store& store,
                              int64_t now_ms);

}  // namespace slipway::pipeline
