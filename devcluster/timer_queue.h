#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace slipway::sim {

// Runs short functions later, on a thread of its own. After Stop() nothing runs any more.
class TimerQueue {
 public:
  explicit TimerQueue(const Clock& clock);
  ~TimerQueue();  // Stop()
  void After(int64_t ms, std::function<void()> task);
  void Stop();

 private:
  void Run();

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::multimap<int64_t, std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace slipway::sim
