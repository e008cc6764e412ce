#include "devcluster/operators/work_queue.h"

#include <algorithm>
#include <chrono>

namespace slipway::sim::operators {

WorkQueue::WorkQueue(size_t threads, const Clock& clock, Run run)
    : clock_(clock), run_(std::move(run)) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

WorkQueue::~WorkQueue() {
  Stop();
}

void WorkQueue::Add(const std::string& key, int64_t delay_ms) {
  const int64_t at = clock_.SteadyMs() + std::max<int64_t>(delay_ms, 0);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    const auto [it, fresh] = due_.emplace(key, at);
    if (!fresh) {
      if (it->second <= at) return;
      order_.erase({it->second, key});
      it->second = at;
    }
    order_.emplace(at, key);
  }
  wake_.notify_one();
}

void WorkQueue::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
  threads_.clear();
}

void WorkQueue::Work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const int64_t now = clock_.SteadyMs();
    auto next = order_.begin();
    while (next != order_.end() && running_.count(next->second) != 0) ++next;
    if (next == order_.end() || next->first > now) {
      const int64_t wait = next == order_.end() ? 1000 : std::min<int64_t>(next->first - now, 1000);
      wake_.wait_for(lock, std::chrono::milliseconds(wait));
      continue;
    }
    const std::string key = next->second;
    order_.erase(next);
    due_.erase(key);
    running_.insert(key);
    lock.unlock();
    run_(key);
    lock.lock();
    running_.erase(key);
    if (due_.count(key) != 0) wake_.notify_one();
  }
}

}  // namespace slipway::sim::operators
