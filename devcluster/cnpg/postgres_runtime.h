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

// Real PostgreSQL servers, one per volume, each on its own port of 127.0.0.1.
//
// It is level-based: the caller says what it wants of a volume, and the runtime calls back when
// something has changed. It copies, starts, promotes and rewinds servers on its own threads. The
// directory of a volume outlives our process. A server does not: it gets a parent-death signal, and
// Start() ends all that is left. Any thread may call it. One mutex guards the state of the volumes;
// it is never held across a system call that waits.
class PostgresRuntime {
 public:
  struct Options {
    std::string data_dir;
    std::string bin;  // the directory of the server programs
    double pace = 1;  // scales the waits for the archiver
  };
  enum class Source { kNew, kCopyOfUpstream, kArchive };

  // The directory of a server in an object store: the destination of the ObjectStore, and the name
  // of the server.
  struct Archive {
    std::string destination, server;
    std::string refusal;      // why the plugin cannot use it at all; "" when it can
    bool skip_check = false;  // it need not be empty at first

    bool operator==(const Archive&) const = default;

    explicit operator bool() const { return !server.empty(); }
  };

  // What a caller wants of a volume.
  struct Plan {
    std::string ns, cluster, instance;
    Source source = Source::kNew;  // how an empty volume is filled
    std::string upstream;          // the volume to follow; "" for a primary
    Archive archive;               // where a primary archives; with an empty server it does not
    Archive origin;                // the source of a recovery
    RecoveryTarget target;
    std::string attempt;          // names a recovery; a failed one is not made again
    std::string database, owner;  // made on a new primary
    std::string password;         // the owner's; a primary follows it
    std::vector<std::string> post_init_sql, post_init_application_sql;
    std::string tls_cert, tls_key;
    Json parameters;
  };

  struct State {
    std::string ns, cluster, instance;
    bool filled = false;   // the data directory is complete
    bool process = false;  // there is a server process, in whatever state
    bool running = false;  // the server answers; `primary` tells in which role
    bool exited = false;   // the server ended by itself and stays down until Restart()
    bool primary = false;
    std::string failure;  // why the last step failed; "" when it went well or has to wait
    int port = 0;
    int64_t timeline = 0;
    uint64_t system_id = 0;
    // Whether the last call of the archiver failed, and the plugin's message; once that is known.
    bool archive_known = false, archive_failing = false;
    std::string archive_failure;
    std::string failed_attempt, attempt_failure;  // the last recovery that failed, and why
  };

  struct BackupRequest {
    std::string key;             // a backup with a known key is not started again
    std::string ns, name;        // of the Backup object
    std::string volume;          // of the server that is copied
    std::string primary_volume;  // of the server that archives
    Archive archive;
  };

  struct BackupState {
    enum class Phase { kUnknown, kRunning, kDone, kFailed };

    Phase phase = Phase::kUnknown;
    BaseBackup base;
    std::string failure, detail;  // the plugin's message, and the cause
  };

  using OnChange = std::function<void(const std::string& ns, const std::string& cluster)>;

  // The directory of the server programs: `configured` or, when that is "", the newest one that the
  // system has. "" when there are no programs.
  static std::string FindPrograms(const std::string& configured);
  // kUnavailable when another process uses the same directory. The runtime calls `on_change` with
  // the Cluster of a volume, and `on_backup` with a Backup that has ended, on its own threads.
  static Result<std::unique_ptr<PostgresRuntime>> Start(Options options, const Clock& clock,
                                                        Logger& log, OnChange on_change,
                                                        OnChange on_backup = nullptr);
  ~PostgresRuntime();  // stops every server

  // Sets the plan of a volume; does nothing when the plan is the same as before.
  void Want(const std::string& volume, Plan plan);
  // Stops the server and keeps the data.
  void Stop(const std::string& volume);
  // Lets a server start again that has ended by itself.
  void Restart(const std::string& volume);
  // Stops the server and deletes the data.
  void Remove(const std::string& volume);
  State Get(const std::string& volume) const;
  // The volumes with data or a plan. Those of earlier lives have an empty State::instance until
  // somebody wants them.
  std::vector<std::string> Volumes() const;
  // Asks a running server for its timeline, which goes into the state, and returns the position of
  // its last WAL in bytes: written by a primary, received by a standby. 0 when the server does not
  // answer. Blocks for a few seconds when no connection can be made.
  uint64_t Probe(const std::string& volume);

  // Starts a base backup; on_backup tells when it has ended.
  void StartBackup(BackupRequest request);
  // kUnknown for a key that was never started or is forgotten.
  BackupState GetBackup(const std::string& key) const;
  void ForgetBackup(const std::string& key);
  // The directory that stands for a destination: the path of a file:// URL, or a directory below
  // ours for any other URL. "" when the destination is no URL, or when its path contains "..".
  std::string StoreDirectory(const std::string& destination) const;

 private:
  struct Impl;
  explicit PostgresRuntime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::sim::operators::cnpg
