#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "store/sqlite.h"

namespace slipway::store {

// The tools of one write, on the writer's thread and inside its own savepoint.
struct Transaction {
  Connection& db;
  int64_t now_ms;
  std::vector<std::string> events_of;  // operations that got events
};

// Owns the writing connection and its thread. All waiting writes go into one transaction, each
// under a savepoint: a failed write rolls back alone.
class Writer {
 public:
  Writer(std::unique_ptr<Connection> db, const Clock& clock, Logger& log, Metrics& metrics);
  ~Writer();  // runs what is queued, joins
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Runs `work` and returns once its transaction is on the disk. `work` owns what it uses: it may
  // outlive the call. kUnavailable "StoreBusy": not done; "StoreWriteFailed": not done or, after a
  // timeout, unknown. Any thread but the writer's.
  template <class T>
  Result<T> Write(std::function<Result<T>(Transaction&)> work) {
    auto value = std::make_shared<std::optional<T>>();
    auto done = Submit([work = std::move(work), value](Transaction& tx) -> Result<void> {
      TRY(*value, work(tx));
      return {};
    });
    if (!done) return std::move(done).error();
    return std::move(**value);
  }

  Result<void> Submit(std::function<Result<void>(Transaction&)> work);

  // Waits for a running call of the former listener.
  void OnEvents(std::function<void(const std::string&)> listener);

  struct Stats {
    uint64_t writes = 0;  // that were committed
    uint64_t groups = 0;  // transactions, so calls of fsync
    size_t queued = 0;
  };

  Stats stats() const;

 private:
  struct Job {
    std::function<Result<void>(Transaction&)> work;
    Result<void> result;
    bool started = false, done = false;  // guarded by mutex_
    std::condition_variable ended;       // its own: a group's end wakes nobody of the next one
  };

  void Run();
  void RunGroup(const std::vector<std::shared_ptr<Job>>& group, Transaction& tx);
  Result<void> Begin();
  Result<void> RunOne(Job& job, Transaction& tx);
  Result<void> End();
  void Notify(std::vector<std::string> operations);

  const std::unique_ptr<Connection> db_;  // the writer thread's
  const Clock& clock_;
  Logger& log_;
  const Metrics::Counter writes_total_, groups_total_, failures_total_;
  const Metrics::Histogram commit_seconds_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool stopping_ = false;
  Stats stats_;

  std::mutex listener_mutex_;  // held over the call, so that a listener can be taken away safely
  std::function<void(const std::string&)> listener_;

  std::thread thread_;
};

}  // namespace slipway::store
