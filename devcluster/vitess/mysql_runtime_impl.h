#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/executor.h"
#include "devcluster/operators/server_volumes.h"
#include "devcluster/vitess/mysql_files.h"
#include "devcluster/vitess/mysql_runtime.h"

namespace slipway::sim::operators::vitess {

// What the runtime knows about a volume. Guarded by Impl::mutex.
struct MysqlSlot : ServerSlot {
  MysqlRuntime::Plan plan;
  MysqlRuntime::State state;
  std::string applied_config, applied_accounts;
  std::string following;  // the volume that we told the running server to follow
  int following_port = 0;
  int64_t verified_at = 0;  // steady time at which it was last seen to do it; 0 for never
  bool fresh = false;       // filled, and nothing has been written since
};

struct MysqlRuntime::Impl final : ServerVolumes<MysqlSlot> {
  Impl(Options options_in, const Clock& clock_in, Logger& log_in, OnChange on_change_in)
      : ServerVolumes("mysql", {SIGTERM, SIGKILL}, clock_in, log_in, std::move(on_change_in)),
        options(std::move(options_in)) {}

  ~Impl() override {
    BeginShutdown();
    if (backup_threads) backup_threads->Drain();
    Shutdown();
  }

  Result<void> Prepare();
  void Want(const std::string& volume, Plan plan);

  void RemovePidFile(const std::string& volume) override;
  Result<bool> Fill(const std::string& volume, const MysqlSlot& slot) override;
  Result<void> EnsureTemplate();
  Result<bool> StartServer(const std::string& volume, const MysqlSlot& slot) override;
  Result<std::string> Config(const std::string& volume, const MysqlSlot& slot);
  Result<bool> Adjust(const std::string& volume, const MysqlSlot& slot) override;
  Result<bool> Lead(const std::string& volume, const MysqlSlot& slot);
  Result<void> Promote(const std::string& volume, const MysqlSlot& slot);
  // Waits until the volume has everything that its former primary has, if that server still
  // answers.
  void CatchUp(const std::string& volume, const MysqlSlot& slot);
  Result<bool> Follow(const std::string& volume, const MysqlSlot& slot);
  Result<bool> Verify(const std::string& volume, const MysqlSlot& slot);
  Result<bool> Refill(const std::string& volume, const std::string& why);
  uint64_t Probe(const std::string& volume);

  // Backups (mysql_backups.cc).
  std::string Buckets() const { return root.path() + "/object-stores"; }

  void StartBackup(BackupRequest request);
  BackupState GetBackup(const std::string& key) const;
  void ForgetBackup(const std::string& key);
  Result<void> TakeBackup(const BackupRequest& request);
  // Returns the position that the copy has.
  Result<std::string> CopyPrimary(const BackupRequest& request);
  Result<void> WaitUntil(const std::string& what, const std::function<bool()>& done);

  std::string Data(const std::string& volume) const { return Dir(volume) + "/data"; }

  std::string Socket(int port) const {
    return root.sockets() + "/" + std::to_string(port) + ".sock";
  }

  std::string ClientConfig() const { return root.sockets() + "/client.cnf"; }

  std::string InitFile() const { return root.sockets() + "/init.sql"; }

  enum class Form { kRows, kVertical };

  // Runs the statements as administrator through the socket and returns what they print.
  Result<std::string> Sql(int port, const std::string& sql, Form form = Form::kRows,
                          int64_t timeout_ms = 30'000) const;
  Result<ReplicaStatus> Status(int port) const;

  const Options options;
  const std::string replication_password = RandomReplicationPassword();
  std::mutex template_mutex;                   // one thread makes it; others wait
  std::map<std::string, BackupState> backups;  // by key; guarded by `mutex`
  std::unique_ptr<Executor> backup_threads;

  static std::string RandomReplicationPassword();
};

// Finds a program of MariaDB that belongs to the server in `bin`; "" when there is none.
std::string FindMysqlProgram(const std::string& bin, const std::string& name);

}  // namespace slipway::sim::operators::vitess
