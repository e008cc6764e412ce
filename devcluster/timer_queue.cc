#include "devcluster/timer_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace slipway::sim {

TimerQueue::TimerQueue(const Clock& clock) : clock_(clock), thread_([this] { Run(); }) {}

TimerQueue::~TimerQueue() {
  Stop();
}

void TimerQueue::After(int64_t ms, std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.emplace(clock_.SteadyMs() + ms, std::move(task));
  }
  wake_.notify_all();
}

void TimerQueue::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  tasks_.clear();
}

void TimerQueue::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const int64_t now = clock_.SteadyMs();
    if (!tasks_.empty() && tasks_.begin()->first <= now) {
      auto task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
      lock.unlock();
      task();
      lock.lock();
      continue;
    }
    const int64_t wait =
        tasks_.empty() ? 60'000 : std::min<int64_t>(60'000, tasks_.begin()->first - now);
    wake_.wait_for(lock, std::chrono::milliseconds(wait));
  }
}

}  // namespace slipway::sim
