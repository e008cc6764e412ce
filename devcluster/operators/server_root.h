#pragma once

#include <string>

#include "base/log.h"
#include "base/result.h"
#include "devcluster/file_lock.h"
#include "devcluster/operators/process.h"

namespace slipway::sim::operators {

// The place where database servers keep their files: volumes/ with one directory per volume, and a
// private directory for their sockets. It is locked against other processes as long as it lives.
//
// Programs that work on these files must not outlive us: an initdb of an earlier life would delete
// what a new one makes. Therefore every program that runs here keeps one file open, mark(), and so
// do all programs that it starts in turn. Open() ends every program that has that file open, and
// nothing else.
class ServerRoot {
 public:
  ServerRoot() = default;
  ~ServerRoot();
  ServerRoot(const ServerRoot&) = delete;
  ServerRoot& operator=(const ServerRoot&) = delete;

  // Uses another place when the account cannot reach this one. Ends the programs of an earlier
  // life. kUnavailable when another process holds the place.
  Result<void> Open(const std::string& data_dir, const Account& account, Logger& log);

  const std::string& path() const { return path_; }

  // Short enough for the name of a socket, which has room for about 100 bytes with its directory.
  const std::string& sockets() const { return sockets_; }

  // The value for Command::mark.
  int mark() const { return mark_; }

  std::string Volumes() const { return path_ + "/volumes"; }

 private:
  std::string path_, sockets_;
  FileLock lock_;
  int mark_ = -1;
};

}  // namespace slipway::sim::operators
