#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace slipway::sim::operators {

// Runs keys at their due times on a fixed set of threads. A key waits at most once (the earliest
// time wins) and never runs twice at the same time. The number of keys is the bound. Any thread may
// call it.
class WorkQueue {
 public:
  using Run = std::function<void(const std::string& key)>;

  WorkQueue(size_t threads, const Clock& clock, Run run);
  ~WorkQueue();  // Stop()
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void Add(const std::string& key, int64_t delay_ms = 0);
  // Runs nothing more and joins the threads. Idempotent.
  void Stop();

 private:
  void Work();

  const Clock& clock_;
  const Run run_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, int64_t> due_;
  std::set<std::pair<int64_t, std::string>> order_;
  std::set<std::string> running_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace slipway::sim::operators
