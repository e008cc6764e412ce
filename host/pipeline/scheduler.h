#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
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

struct SchedulerOptions {
  size_t workers = 16;  // that are always there
  size_t most = 256;    // more come while all others are held up by slow calls
  // Of one lane at a time, so that no engine and no tenant holds up the others.
  size_t most_per_lane = 96;
  int64_t held_ms = 3000;  // a key that wanted to run for so long is reported
};

// Wake-ups of keys (instances) and the threads that tick them. One tick per key at a time; a
// wake-up during a tick means another one after it. Waiting costs an entry in a map, never a
// thread.
//
// A key runs in lanes (its engine, its tenant). A lane that is full makes its keys wait; nobody
// else waits for it.
//
// Threads: Wake from anywhere (watch callbacks included); ticks and reports run on the scheduler's
// own threads.
class Scheduler {
 public:
  // Returns the delay in ms after which the key wants a tick by itself; negative: only when woken.
  using Tick = std::function<int64_t(const std::string& key)>;
  // A key cannot run (`full_lane` says for which lane it waits), or its tick does not end ("").
  // Told once until its next tick. Must not block for long.
  using Held = std::function<void(const std::string& key, const std::string& full_lane)>;
  // Called about every second.
  using Beat = std::function<void()>;

  Scheduler(SchedulerOptions options, const Clock& clock, Tick tick, Held held = {},
            Beat beat = {});
  ~Scheduler();  // Stop()
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Starts the threads, once. The callbacks may use the scheduler's owner from now on.
  void Start();

  // Due `delay_ms` from now, or earlier if it already was. Repeated wake-ups collapse. Lanes that
  // are given stay the key's until it is forgotten.
  void Wake(const std::string& key, int64_t delay_ms = 0,
            const std::vector<std::string>& lanes = {});
  // No tick starts after this; running ones are joined. Idempotent.
  void Stop();
  size_t waiting() const;

 private:
  struct Entry {
    int64_t due_ms = -1;   // steady; -1: not in the queue
    int64_t since_ms = 0;  // steady; since when it runs or waits for a lane
    bool running = false;
    bool told = false;
    std::string parked_in;  // the full lane that it waits for
    std::vector<std::string> lanes;
  };

  struct Lane {
    size_t running = 0;
    std::deque<std::string> parked;
  };

  void Run();
  void Watch();
  bool TakeDue(std::string& key, int64_t& next_ms);
  void Release(Entry& entry);
  void Report(std::unique_lock<std::mutex>& lock);
  void StartWorker();

  const SchedulerOptions options_;
  const Clock& clock_;
  const Tick tick_;
  const Held held_;
  const Beat beat_;
  mutable std::mutex mutex_;
  std::condition_variable changed_, watch_;
  std::unordered_map<std::string, Entry> entries_;
  std::set<std::pair<int64_t, std::string>> queue_;
  std::map<std::string, Lane> lanes_;
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
  std::thread watcher_;
};

}  // namespace slipway::pipeline
