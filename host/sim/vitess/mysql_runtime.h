#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "sim/vitess/mysql_accounts.h"

namespace slipway::sim::operators::vitess {

// Real MariaDB servers, one a volume, each on its own port of 127.0.0.1: where the tablets run.
//
// Level-based, as PostgresRuntime: the caller says what it wants of a volume and is called back
// when something changed; starting, following and promoting happen on the runtime's threads. A
// volume's directory outlives the process; a server never outlives it. Any thread; guarded by one
// mutex that is never held across a system call that waits.
class MysqlRuntime {
 public:
  struct Options {
    std::string data_dir;  // may be PostgresRuntime's: everything is below its mysql/
    std::string bin;       // directory of mariadbd, as FindPrograms says it
  };

  struct Plan {
    std::string ns, cluster, instance;
    std::string upstream;  // volume to follow; "" to be the primary
    std::string database;  // made on a primary
    // May do everything in `database`. Kept equal to it on a primary: hashes change, accounts that
    // are no longer listed go. Replicas get them from their primary.
    std::vector<MysqlAccount> accounts;
    // Server options, name_with_underscores → string, number or boolean. Taken are those that mean
    // on a laptop what they mean in a pod and that MariaDB knows; a change restarts the server.
    Json parameters;
  };

  struct State {
    std::string ns, cluster, instance;
    bool filled = false;   // the data directory is complete
    bool process = false;  // there is a server process, in whatever state
    // Answers connections, in the role that was asked for: a primary has the database and the
    // accounts, a replica was seen to replicate. It stays so while its primary is away.
    bool running = false;
    bool exited = false;  // ended by itself; stays down until Restart()
    bool primary = false;
    std::string failure;  // the last step's, "" when it went well
    int port = 0;         // 0 before the first start; kept afterwards
  };

  using OnChange = std::function<void(const std::string& ns, const std::string& cluster)>;

  // "" when there are no server programs; otherwise the directory of mariadbd. The others may be
  // beside it, in ../bin or ../scripts.
  static std::string FindPrograms(const std::string& configured);
  // kUnavailable when another process uses the same directory.
  static Result<std::unique_ptr<MysqlRuntime>> Start(Options options, const Clock& clock,
                                                     Logger& log, OnChange on_change);
  ~MysqlRuntime();  // stops every server

  // For a planned change of primaries, make the replica a primary first: it stops its former
  // primary's writes and waits for the last of them. Then let the former one follow.
  void Want(const std::string& volume, Plan plan);
  // The server stops, the data stays.
  void Stop(const std::string& volume);
  // Lets a server that ended by itself be started again.
  void Restart(const std::string& volume);
  // Stops the server and deletes the data. Until Volumes() has lost it, Want() does nothing.
  void Remove(const std::string& volume);
  State Get(const std::string& volume) const;
  // Volumes with data or a plan, also those of earlier lives (with an empty State::instance).
  std::vector<std::string> Volumes() const;
  // How many transactions a running server has, to find the replica that is furthest; 0 when it
  // does not answer. Blocks for at most a few seconds.
  uint64_t Probe(const std::string& volume);

 private:
  struct Impl;
  explicit MysqlRuntime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::sim::operators::vitess
