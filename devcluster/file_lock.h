#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace slipway::sim {

// A file that one process at a time holds until it lets go or ends. The file contains the process
// id of the holder.
class FileLock {
 public:
  FileLock() = default;
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // Waits for a holder that is about to end, for example one that was just killed. The message of
  // kUnavailable names the holder.
  Result<void> Take(const std::string& path, int64_t wait_ms);

 private:
  int fd_ = -1;
};

}  // namespace slipway::sim
