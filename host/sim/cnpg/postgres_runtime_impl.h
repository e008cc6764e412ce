#pragma once

#include <mutex>
#include <string>

#include "sim/cnpg/postgres_files.h"
#include "sim/cnpg/postgres_runtime.h"
#include "sim/operators/server_volumes.h"

namespace slipway::sim::operators::cnpg {

// What the runtime knows of a volume. Guarded by Impl::mutex.
struct PostgresSlot : ServerSlot {
  PostgresRuntime::Plan plan;
  PostgresRuntime::State state;
  std::string applied_config, applied_password;
  int connections = 0;  // max_connections of the running server
};

struct PostgresRuntime::Impl final : ServerVolumes<PostgresSlot> {
  Impl(Options options_in, const Clock& clock_in, Logger& log_in, OnChange on_change_in)
      : ServerVolumes("postgres", {SIGINT, SIGQUIT}, clock_in, log_in, std::move(on_change_in)),
        options(std::move(options_in)) {}

  ~Impl() override { Shutdown(); }

  Result<void> Prepare() { return Open(options.data_dir); }

  void Want(const std::string& volume, Plan plan);

  Result<bool> Step(const std::string& volume) override;
  void EndLeftovers(const std::string& volume) override;
  Result<bool> Fill(const std::string& volume, const PostgresSlot& slot);
  Result<bool> StartServer(const std::string& volume, const PostgresSlot& slot);
  Result<bool> Adjust(const std::string& volume, const PostgresSlot& slot);
  Result<void> Start(const std::string& volume, const PostgresSlot& slot, bool standby);
  Result<void> Bootstrap(const std::string& volume, const PostgresSlot& slot);
  Result<void> EnsureTemplate();
  Result<void> CloneFrom(const std::string& volume, const PostgresSlot& slot);
  Result<void> Rewind(const std::string& volume, const PostgresSlot& slot);
  Result<void> WriteConfig(const std::string& volume, const PostgresSlot& slot,
                           std::string* config);
  void Refresh(const std::string& volume);
  uint64_t Probe(const std::string& volume);

  Result<void> Run(std::vector<std::string> argv, int64_t timeout_ms = 120'000) const;

  std::string Program(const char* name) const { return options.bin + "/" + name; }

  std::string Data(const std::string& volume) const { return Dir(volume) + "/pgdata"; }

  // First column of the first row, as the superuser through the socket.
  Result<std::string> Sql(int port, const std::string& database, const std::string& sql) const;

  const Options options;
  std::mutex template_mutex;  // one maker; others wait for it
};

}  // namespace slipway::sim::operators::cnpg
