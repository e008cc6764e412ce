#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "devcluster/kinds.h"
#include "devcluster/object_store.h"

namespace slipway::sim {

// The state file. It has one JSON line per change, written before the change is answered. It is not
// synced: it survives the process, but not the machine. It is written under the store's lock.
class Journal {
 public:
  explicit Journal(std::string path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Reads the file (and drops a torn last line), fills the store, writes the file anew without its
  // past and opens it for appending. kInternal when the file is not ours or cannot be written.
  Result<void> Open(ObjectStore& store);
  void Write(const std::string& collection, const StoreEvent& event);

  bool failed() const { return failed_; }

 private:
  const std::string path_;
  int fd_ = -1;
  bool failed_ = false;
};

}  // namespace slipway::sim
