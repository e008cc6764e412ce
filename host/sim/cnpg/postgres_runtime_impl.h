#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/executor.h"
#include "sim/cnpg/postgres_files.h"
#include "sim/cnpg/postgres_runtime.h"
#include "sim/cnpg/process.h"

namespace slipway::sim::cnpg {

// What the runtime knows of a volume. Guarded by Impl::mutex.
struct PostgresSlot {
  PostgresRuntime::Plan plan;
  PostgresRuntime::State state;
  bool planned = false, want_run = false, want_gone = false;
  bool busy = false;        // a step runs or is queued
  bool again = false;       // something changed during the step
  int failures = 0;         // of steps, in a row
  int64_t retry_at = 0;     // steady time at which the monitor tries again; 0 for never
  bool stop_asked = false;  // the end of the process is ours
  pid_t pid = 0;
  int pidfd = -1;
  std::string plan_key;  // tells an unchanged plan
  std::string applied_config, applied_password;
  int connections = 0;  // max_connections of the running server
};

struct PostgresRuntime::Impl {
  Impl(Options options, const Clock& clock, Logger& log, OnChange on_change);
  ~Impl();

  Result<void> Prepare();  // directories, lock file, leftovers
  void Monitor();          // thread: reaps servers, retries blocked steps

  // Steps, on the executor; one at a time a volume. True when there may be more to do.
  void Poke(const std::string& volume);
  void RunSteps(const std::string& volume);
  Result<bool> Step(const std::string& volume);
  Result<bool> Fill(const std::string& volume, const PostgresSlot& slot);
  Result<bool> StartServer(const std::string& volume, const PostgresSlot& slot);
  Result<bool> Adjust(const std::string& volume, const PostgresSlot& slot);
  Result<void> StopServer(const std::string& volume, bool fast);
  Result<void> Launch(const std::string& volume, const PostgresSlot& slot, bool standby);
  Result<void> Bootstrap(const std::string& volume, const PostgresSlot& slot);
  Result<void> EnsureTemplate();
  Result<void> CloneFrom(const std::string& volume, const PostgresSlot& slot);
  Result<void> Rewind(const std::string& volume, const PostgresSlot& slot);
  Result<void> WriteConfig(const std::string& volume, const PostgresSlot& slot,
                           std::string* config);
  Result<int> PortOf(const std::string& volume);
  void Refresh(const std::string& volume);
  void Changed(const std::string& volume);

  Result<void> Run(std::vector<std::string> argv, int64_t timeout_ms = 120'000) const;

  std::string Program(const char* name) const { return options.bin + "/" + name; }

  std::string Dir(const std::string& volume) const { return root + "/volumes/" + volume; }

  std::string Data(const std::string& volume) const { return Dir(volume) + "/pgdata"; }

  // First column of the first row, as the superuser through the socket.
  Result<std::string> Sql(int port, const std::string& database, const std::string& sql) const;
  PostgresSlot Copy(const std::string& volume) const;

  const Options options;
  const Clock& clock;
  Logger& log;
  const OnChange on_change;
  const Account account = Account::ForDatabases();
  std::string root, sockets;
  int lock_fd = -1, stop_fd = -1, wake_fd = -1;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, PostgresSlot> slots;
  std::set<int> ports;
  bool stopping = false;

  std::mutex template_mutex;  // one maker; others wait for it
  std::unique_ptr<Executor> executor;
  std::thread monitor;
};

}  // namespace slipway::sim::cnpg
