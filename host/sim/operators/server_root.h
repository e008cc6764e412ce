#pragma once

#include <string>

#include "base/log.h"
#include "base/result.h"
#include "sim/operators/process.h"

namespace slipway::sim::operators {

// Where database servers keep their files: volumes/ with one directory a volume, and a private
// directory for their sockets. Locked against other processes as long as it lives.
class ServerRoot {
 public:
  ServerRoot() = default;
  ~ServerRoot();
  ServerRoot(const ServerRoot&) = delete;
  ServerRoot& operator=(const ServerRoot&) = delete;

  // Takes another place when the account cannot reach this one. kUnavailable when another process
  // holds it.
  Result<void> Open(const std::string& data_dir, const Account& account, Logger& log);

  const std::string& path() const { return path_; }

  // Short enough for a socket's name, which has about 100 bytes with its directory.
  const std::string& sockets() const { return sockets_; }

  std::string Volumes() const { return path_ + "/volumes"; }

 private:
  std::string path_, sockets_;
  int lock_fd_ = -1;
};

}  // namespace slipway::sim::operators
