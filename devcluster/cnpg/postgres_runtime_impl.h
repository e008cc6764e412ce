#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/executor.h"
#include "devcluster/cnpg/postgres_files.h"
#include "devcluster/cnpg/postgres_runtime.h"
#include "devcluster/operators/server_volumes.h"

namespace slipway::sim::operators::cnpg {

// What the runtime knows about a volume. Guarded by Impl::mutex.
struct PostgresSlot : ServerSlot {
  PostgresRuntime::Plan plan;
  PostgresRuntime::State state;
  std::string applied_config, applied_password;
  int connections = 0;       // max_connections of the running server
  std::string archive_seen;  // the signature of the last result of the archiver that we have read
  int64_t archive_hurried_at = 0;  // steady time of our last signal to a failing archiver
};

struct PostgresRuntime::Impl final : ServerVolumes<PostgresSlot> {
  Impl(Options options_in, const Clock& clock_in, Logger& log_in, OnChange on_change_in,
       OnChange on_backup_in)
      : ServerVolumes("postgres", {SIGINT, SIGQUIT}, clock_in, log_in, std::move(on_change_in)),
        options(std::move(options_in)),
        on_backup(std::move(on_backup_in)) {}

  ~Impl() override;

  Result<void> Prepare();

  void Want(const std::string& volume, Plan plan);

  void RemovePidFile(const std::string& volume) override;
  Result<bool> Fill(const std::string& volume, const PostgresSlot& slot) override;
  Result<bool> StartServer(const std::string& volume, const PostgresSlot& slot) override;
  Result<bool> Adjust(const std::string& volume, const PostgresSlot& slot) override;
  Result<void> Start(const std::string& volume, const PostgresSlot& slot, bool standby);
  Result<void> Bootstrap(const std::string& volume, const PostgresSlot& slot);
  Result<void> EnsureTemplate();
  Result<void> CloneFrom(const std::string& volume, const PostgresSlot& slot);
  Result<void> Rewind(const std::string& volume, const PostgresSlot& slot);
  Result<void> WriteConfig(const std::string& volume, const PostgresSlot& slot,
                           const RecoverySettings& recovery, std::string* config);
  void Refresh(const std::string& volume);
  uint64_t Probe(const std::string& volume);

  // Continuous archiving (postgres_archive.cc).
  int LastSignal(const PostgresSlot& slot) const override;
  std::string StoreDirectory(const std::string& destination) const;
  // Makes the store's directory, but only once: a directory that somebody takes away stays away.
  void MakeStore(const std::string& directory) const;
  Result<void> WriteScripts(const std::string& volume, const PostgresSlot& slot) const;
  // Archives what a former primary has not archived yet. Call it before its data is rewound.
  Result<void> ArchiveReady(const std::string& volume, const PostgresSlot& slot) const;
  void WatchArchives();  // a thread
  void LookAtArchive(const std::string& volume);

  // Base backups (postgres_backup.cc).
  void StartBackup(BackupRequest request);
  BackupState GetBackup(const std::string& key) const;
  void ForgetBackup(const std::string& key);
  Result<BaseBackup> TakeBackup(const BackupRequest& request);
  Result<BaseBackup> CopyData(const BackupRequest& request, const std::string& directory);
  Result<void> LevelCheckpoint(const BackupRequest& request);
  Result<void> WaitForArchive(const BackupRequest& request, const BaseBackup& base);

  // Recovery (postgres_restore.cc).
  Result<bool> FillFromArchive(const std::string& volume, const PostgresSlot& slot);
  Result<void> Restore(const std::string& volume, const PostgresSlot& slot);
  Result<void> CopyBase(const std::string& volume, const PostgresSlot& slot,
                        const std::string& server_directory);
  Result<RecoverySettings> SettingsOf(const std::string& volume, const PostgresSlot& slot) const;
  Result<void> Replay(const std::string& volume, const PostgresSlot& slot);
  Result<void> EnsureOwner(const std::string& volume, const Plan& plan);

  Result<void> Run(std::vector<std::string> argv, int64_t timeout_ms = 120'000) const;
  Result<std::string> Output(std::vector<std::string> argv, int64_t timeout_ms = 120'000) const;

  std::string Program(const char* name) const { return options.bin + "/" + name; }

  bool Stopping() const {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  std::string Data(const std::string& volume) const { return Dir(volume) + "/pgdata"; }

  // Runs a statement as the superuser, through the socket. Returns the first column of the first
  // row, "" without rows. kUnavailable without a connection, kInternal when the statement fails.
  Result<std::string> Sql(int port, const std::string& database, const std::string& sql) const;

  const Options options;
  const OnChange on_backup;
  std::mutex template_mutex;                   // held by the one that makes the template
  std::map<std::string, BackupState> backups;  // by key; guarded by `mutex`
  std::unique_ptr<Executor> backup_threads;
  std::thread archive_watch;
};

}  // namespace slipway::sim::operators::cnpg
