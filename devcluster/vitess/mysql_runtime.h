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
#include "devcluster/vitess/mysql_accounts.h"

namespace slipway::sim::operators::vitess {

// Runs the tablets' servers: real MariaDB servers, one per volume, each on its own port of
// 127.0.0.1.
//
// The runtime is level-based, like PostgresRuntime: the caller says what it wants of a volume and
// is called back when something changed. Starting, following and promoting happen on the runtime's
// threads. A volume's directory outlives the process; a server never does. Any thread may call it.
// One mutex guards it and is never held across a system call that waits.
class MysqlRuntime {
 public:
  struct Options {
    std::string data_dir;  // may be PostgresRuntime's: we use its mysql/ only
    std::string bin;       // directory of mariadbd, as FindPrograms() returns it
  };

  struct Plan {
    std::string ns, cluster, instance;
    std::string upstream;  // volume to follow; "" to be the primary
    std::string database;  // made on a primary
    // These accounts may do everything in `database`. A primary keeps its accounts equal to this
    // list: hashes change, and accounts that are no longer listed go. Replicas get them from their
    // primary.
    std::vector<MysqlAccount> accounts;
    // The directory of a backup with which a new volume begins as a primary; "" for an empty one.
    std::string origin;
    // Server options: name_with_underscores → string, number or boolean. The runtime uses those
    // that mean the same on a laptop as in a pod and that MariaDB knows. A change restarts the
    // server.
    Json parameters;
  };

  struct State {
    std::string ns, cluster, instance;
    bool filled = false;   // the data directory is complete
    bool process = false;  // there is a server process, in whatever state
    // It answers connections in the role that we asked for: a primary has the database and the
    // accounts, and a replica has been seen to replicate. It stays true while the primary is away.
    bool running = false;
    bool exited = false;  // it ended by itself; stays down until Restart()
    bool primary = false;
    std::string failure;  // of the last step, "" when it went well
    int port = 0;         // 0 before the first start; kept afterwards
  };

  struct BackupRequest {
    std::string key;  // of the run, a name for a directory
    std::string ns, cluster;
    std::string source;     // the primary's volume; "" for the backup of an empty server
    std::string directory;  // made by the run, and complete once it has its MANIFEST
    Json manifest;          // what the manifest says besides times and position
  };

  struct BackupState {
    enum class Phase { kNone, kRunning, kDone, kFailed } phase = Phase::kNone;
    std::string failure;
  };

  using OnChange = std::function<void(const std::string& ns, const std::string& cluster)>;

  // The directory of mariadbd; "" when there are no server programs. The other programs may be in
  // the same directory, in ../bin or in ../scripts.
  static std::string FindPrograms(const std::string& configured);
  // kUnavailable when another process uses the same directory.
  static Result<std::unique_ptr<MysqlRuntime>> Start(Options options, const Clock& clock,
                                                     Logger& log, OnChange on_change);
  ~MysqlRuntime();  // stops every server

  // For a planned change of primaries, first make the replica a primary: it stops the writes of the
  // former primary and waits for the last of them. Then let the former primary follow.
  void Want(const std::string& volume, Plan plan);
  // The server stops, the data stays.
  void Stop(const std::string& volume);
  // Allows the runtime to start a server again that ended by itself.
  void Restart(const std::string& volume);
  // Stops the server and deletes the data. Want() does nothing as long as Volumes() lists the
  // volume.
  void Remove(const std::string& volume);
  State Get(const std::string& volume) const;
  // Volumes that have data or a plan. Those of earlier lives have an empty State::instance.
  std::vector<std::string> Volumes() const;
  // The number of transactions that a running server has; use it to find the replica that is
  // furthest. Returns 0 when the server does not answer. Blocks for a few seconds at most.
  uint64_t Probe(const std::string& volume);

  // Backs up a primary while it serves: a server of the run's own follows it until it has
  // everything, ends, and its data is copied, without the tenants' accounts. A second call with the
  // same key does nothing.
  void StartBackup(BackupRequest request);
  BackupState GetBackup(const std::string& key) const;
  void ForgetBackup(const std::string& key);

  // The directory that stands for all object stores.
  std::string Buckets() const;

 private:
  struct Impl;
  explicit MysqlRuntime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::sim::operators::vitess
