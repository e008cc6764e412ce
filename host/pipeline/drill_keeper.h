#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "pipeline/backup_stores.h"
#include "store/store.h"

namespace slipway::pipeline {

// Starts the restore drills that are due: an instance's last good one is too long ago, as the
// instance or its store says. The store of records is the only memory, so a host that was away
// makes up for it.
class DrillKeeper {
 public:
  // Starts a drill of the instance. kExhausted: there is no room for one more now.
  using StartDrill = std::function<Result<void>(const store::InstanceRecord& source)>;

  DrillKeeper(const std::vector<BackupStore>& stores, const store::Store& store, StartDrill start,
              const Clock& clock, Logger& log, Metrics& metrics);
  ~DrillKeeper();  // Stop()
  DrillKeeper(const DrillKeeper&) = delete;
  DrillKeeper& operator=(const DrillKeeper&) = delete;

  void Start();
  void Stop();   // idempotent
  void Round();  // one look at all instances

 private:
  void Run();

  const store::Store& store_;
  const StartDrill start_;
  const Clock& clock_;
  Logger& log_;
  store::DrillQuery query_;
  Metrics::Gauge overdue_;
  std::map<std::string, int64_t> put_off_;  // instance → steady ms, after a refusal
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace slipway::pipeline
