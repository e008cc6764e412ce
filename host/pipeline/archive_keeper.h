#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "pipeline/backup_stores.h"
#include "store/store.h"

namespace slipway::pipeline {

// Keeps what lies in the host's stores in step with its records: writes the manifests, and removes
// the folders that have expired. It touches no folder whose path or manifest is not the instance's.
class ArchiveKeeper {
 public:
  ArchiveKeeper(std::vector<BackupStore> stores, store::Store& store, const Clock& clock,
                Logger& log, Metrics& metrics);
  ~ArchiveKeeper();  // Stop()
  ArchiveKeeper(const ArchiveKeeper&) = delete;
  ArchiveKeeper& operator=(const ArchiveKeeper&) = delete;

  void Start();
  void Stop();  // within seconds, whatever a store does. Idempotent
  // One look at all archives with work. True: there is more to do at once.
  bool Round();

 private:
  using Buckets = std::map<std::string, Result<std::unique_ptr<bucket::Bucket>>>;

  struct Pass {
    Buckets buckets;
    std::map<std::string, Error> refusing;  // store → why nothing can be done in it
    bool more = false;                      // there is more to do at once
  };

  void Run();
  void Visit(const store::ArchiveRecord& archive, Pass& pass);
  Result<bool> Keep(const store::ArchiveRecord& archive, Buckets& buckets);
  Result<void> WriteManifest(const store::ArchiveRecord& archive, bucket::Bucket& bucket,
                             const std::string& prefix);
  Result<bool> Remove(const store::ArchiveRecord& archive, bucket::Bucket& bucket,
                      const std::string& prefix);
  void Tell(const store::ArchiveRecord& archive, const Error& error);

  const std::vector<BackupStore> stores_;
  store::Store& store_;
  const Clock& clock_;
  Logger& log_;
  Metrics::Gauge waiting_;
  std::map<std::string, std::string> told_;  // instance → why its archive waits
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace slipway::pipeline
