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
#include "devcluster/cnpg/base_backups.h"

namespace slipway::sim::operators::cnpg {

// Real PostgreSQL servers, one a volume, each on its own port of 127.0.0.1.
//
// Level-based: the caller says what it wants of a volume and is called back when something changed;
// copying, starting, promoting and rewinding happen on the runtime's threads. A volume's directory
// outlives the process; a server never outlives it (parent-death signal, and leftovers are ended on
// start). Any thread; guarded by one mutex that is never held across a system call that waits.
class PostgresRuntime {
 public:
  struct Options {
    std::string data_dir;
    std::string bin;  // directory of the server programs
    double pace = 1;  // scales the waits of the archiver
  };
  enum class Source { kNew, kCopyOfUpstream, kArchive };

  // A server's directory in an object store, by the ObjectStore's destination.
  struct Archive {
    std::string destination, server;
    std::string refusal;  // why the plugin cannot use it at all, "" when it can
    bool skip_check = false;

    bool operator==(const Archive&) const = default;

    explicit operator bool() const { return !server.empty(); }
  };

  struct Plan {
    std::string ns, cluster, instance;
    Source source = Source::kNew;  // how an empty volume is filled
    std::string upstream;          // volume to follow; "" to be the primary
    Archive archive;               // where a primary archives; none without a server's name
    Archive origin;                // where a recovery reads
    RecoveryTarget target;
    std::string attempt;          // one that failed is not made again
    std::string database, owner;  // made on a new primary
    std::string password;         // kept equal to it on a primary
    std::vector<std::string> post_init_sql, post_init_application_sql;
    std::string tls_cert, tls_key;
    Json parameters;
  };

  struct State {
    std::string ns, cluster, instance;
    bool filled = false;   // the data directory is complete
    bool process = false;  // there is a server process, in whatever state
    bool running = false;  // answers connections, in the role that was asked for
    bool exited = false;   // ended by itself; stays down until Restart()
    bool primary = false;
    std::string failure;  // the last step's, "" when it went well
    int port = 0;
    int64_t timeline = 0;
    uint64_t system_id = 0;
    // What pg_stat_archiver says of a primary that archives, once it has been asked.
    bool archive_known = false, archive_failing = false;
    std::string archive_failure;
    std::string failed_attempt, attempt_failure;  // of a recovery
  };

  struct BackupRequest {
    std::string key;             // one that is known is not started again
    std::string ns, name;        // of the Backup object
    std::string volume;          // the server it is made of
    std::string primary_volume;  // the one that archives
    Archive archive;
  };

  struct BackupState {
    enum class Phase { kUnknown, kRunning, kDone, kFailed };

    Phase phase = Phase::kUnknown;
    BaseBackup base;
    std::string failure, detail;
  };

  using OnChange = std::function<void(const std::string& ns, const std::string& cluster)>;

  // "" when there are no server programs; otherwise their directory.
  static std::string FindPrograms(const std::string& configured);
  // kUnavailable when another process uses the same directory. `on_backup` hears of backups that
  // have ended.
  static Result<std::unique_ptr<PostgresRuntime>> Start(Options options, const Clock& clock,
                                                        Logger& log, OnChange on_change,
                                                        OnChange on_backup = nullptr);
  ~PostgresRuntime();  // stops every server

  void Want(const std::string& volume, Plan plan);
  // The server stops, the data stays.
  void Stop(const std::string& volume);
  // Lets a server that ended by itself be started again.
  void Restart(const std::string& volume);
  // Stops the server and deletes the data.
  void Remove(const std::string& volume);
  State Get(const std::string& volume) const;
  // Volumes with data or a plan, also those of earlier lives (with an empty State::instance).
  std::vector<std::string> Volumes() const;
  // Asks a running server for its time line and what it has received; the position is 0 when it
  // does not answer. Blocks for at most a few seconds.
  uint64_t Probe(const std::string& volume);

  // Makes a base backup; its end is told to on_backup.
  void StartBackup(BackupRequest request);
  BackupState GetBackup(const std::string& key) const;
  void ForgetBackup(const std::string& key);
  // The directory that a destination stands for: that of a file:// URL, else one below ours; ""
  // when there is none.
  std::string StoreDirectory(const std::string& destination) const;

 private:
  struct Impl;
  explicit PostgresRuntime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::sim::operators::cnpg
