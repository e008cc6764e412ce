#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "pipeline/backup_stores.h"

namespace slipway::pipeline {

// Tries the host's stores for backups: puts, reads, lists and deletes an object of its own in each.
// At the start, every five minutes, and every half minute while one of them refuses.
class StoreWatch {
 public:
  struct State {
    std::string store;
    std::optional<Error> error;  // of the last try
  };

  StoreWatch(std::vector<BackupStore> stores, Logger& log, Metrics& metrics);
  ~StoreWatch();  // Stop()
  StoreWatch(const StoreWatch&) = delete;
  StoreWatch& operator=(const StoreWatch&) = delete;

  void Start();
  void Stop();  // within seconds, whatever a store does. Idempotent
  // A store that was not tried yet has no error.
  std::vector<State> States() const;

 private:
  struct Watched {
    BackupStore store;
    State state;
    Metrics::Gauge usable;
  };

  void Run();
  void Try(Watched& watched);

  Logger& log_;
  std::vector<Watched> watched_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // guards the states
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace slipway::pipeline
