#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "sim/kinds.h"
#include "sim/object_store.h"

namespace slipway::sim {

// The state file: one JSON line a change, written before the change is answered. Not synced: it
// survives the process, not the machine. Written under the store's lock.
class Journal {
 public:
  explicit Journal(std::string path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Reads the file (a torn last line is dropped), fills the store, writes it anew without its
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
