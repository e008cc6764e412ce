#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"

namespace slipway::pipeline {

// Wake-ups of instances: who is due when. One tick per key at a time; a wake-up during a tick means
// another one after it. Waiting costs an entry in a map, never a thread.
//
// Threads: Wake from anywhere (watch callbacks included); ticks run on the scheduler's own workers.
class Scheduler {
 public:
  // Returns the delay in ms after which the key wants a tick by itself; negative: only when woken.
  using Tick = std::function<int64_t(const std::string& key)>;

  Scheduler(size_t workers, const Clock& clock, Tick tick);
  ~Scheduler();  // Stop()
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Due `delay_ms` from now, or earlier if it already was. Repeated wake-ups collapse.
  void Wake(const std::string& key, int64_t delay_ms = 0);
  // No tick starts after this; running ones are joined. Idempotent.
  void Stop();
  size_t waiting() const;

 private:
  struct Entry {
    int64_t due_ms = -1;  // steady; -1: not in the queue
    bool running = false;
  };

  void Run();

  const Clock& clock_;
  const Tick tick_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, Entry> entries_;
  std::set<std::pair<int64_t, std::string>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace slipway::pipeline
