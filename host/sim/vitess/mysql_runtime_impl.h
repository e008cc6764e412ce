#pragma once

#include <mutex>
#include <string>

#include "sim/operators/server_volumes.h"
#include "sim/vitess/mysql_files.h"
#include "sim/vitess/mysql_runtime.h"

namespace slipway::sim::operators::vitess {

// What the runtime knows of a volume. Guarded by Impl::mutex.
struct MysqlSlot : ServerSlot {
  MysqlRuntime::Plan plan;
  MysqlRuntime::State state;
  std::string applied_config, applied_accounts;
  std::string following;  // volume the running server was told to follow
  int following_port = 0;
  int64_t verified_at = 0;  // steady time at which it was last seen to do it; 0 for never
  bool fresh = false;       // filled and nothing written since
};

struct MysqlRuntime::Impl final : ServerVolumes<MysqlSlot> {
  Impl(Options options_in, const Clock& clock_in, Logger& log_in, OnChange on_change_in)
      : ServerVolumes("mysql", {SIGTERM, SIGKILL}, clock_in, log_in, std::move(on_change_in)),
        options(std::move(options_in)) {}

  ~Impl() override { Shutdown(); }

  Result<void> Prepare();
  void Want(const std::string& volume, Plan plan);

  Result<bool> Step(const std::string& volume) override;
  void EndLeftovers(const std::string& volume) override;
  Result<bool> Fill(const std::string& volume);
  Result<void> EnsureTemplate();
  Result<bool> StartServer(const std::string& volume, const MysqlSlot& slot);
  Result<std::string> Config(const std::string& volume, const MysqlSlot& slot);
  Result<bool> Adjust(const std::string& volume, const MysqlSlot& slot);
  Result<bool> Lead(const std::string& volume, const MysqlSlot& slot);
  Result<void> Promote(const std::string& volume, const MysqlSlot& slot);
  // Waits until the volume has what its former primary has, if that still answers.
  void CatchUp(const std::string& volume, const MysqlSlot& slot);
  Result<bool> Follow(const std::string& volume, const MysqlSlot& slot);
  Result<bool> Verify(const std::string& volume, const MysqlSlot& slot);
  Result<bool> Refill(const std::string& volume, const std::string& why);
  uint64_t Probe(const std::string& volume);

  std::string Data(const std::string& volume) const { return Dir(volume) + "/data"; }

  std::string Socket(int port) const {
    return root.sockets() + "/" + std::to_string(port) + ".sock";
  }

  std::string ClientConfig() const { return root.sockets() + "/client.cnf"; }

  std::string InitFile() const { return root.sockets() + "/init.sql"; }

  enum class Form { kRows, kVertical };

  // What the statements print, as the administrator through the socket.
  Result<std::string> Sql(int port, const std::string& sql, Form form = Form::kRows,
                          int64_t timeout_ms = 30'000) const;
  Result<ReplicaStatus> Status(int port) const;

  const Options options;
  const std::string replication_password = RandomReplicationPassword();
  std::mutex template_mutex;  // one maker; others wait for it

  static std::string RandomReplicationPassword();
};

// Where a program of MariaDB is that belongs to the server in `bin`; "" when nowhere.
std::string FindMysqlProgram(const std::string& bin, const std::string& name);

}  // namespace slipway::sim::operators::vitess
