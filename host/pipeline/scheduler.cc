#include "pipeline/scheduler.h"

#include <chrono>
#include <pthread.h>

namespace slipway::pipeline {

Scheduler::Scheduler(size_t workers, const Clock& clock, Tick tick)
    : clock_(clock), tick_(std::move(tick)) {
  for (size_t i = 0; i < workers; ++i) {
    workers_.emplace_back([this] { Run(); });
    pthread_setname_np(workers_.back().native_handle(), "tick");
  }
}

Scheduler::~Scheduler() {
  Stop();
}

void Scheduler::Wake(const std::string& key, int64_t delay_ms) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    Entry& entry = entries_[key];
    const int64_t due = clock_.SteadyMs() + delay_ms;
    if (entry.due_ms >= 0 && entry.due_ms <= due) return;
    if (entry.due_ms >= 0) queue_.erase({entry.due_ms, key});
    entry.due_ms = due;
    // A running key stays out of the queue until its tick ends.
    if (!entry.running) queue_.insert({due, key});
  }
  changed_.notify_one();
}

void Scheduler::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
}

size_t Scheduler::waiting() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void Scheduler::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const int64_t wait = queue_.begin()->first - clock_.SteadyMs();
    if (wait > 0) {
      changed_.wait_for(lock, std::chrono::milliseconds(wait));
      continue;
    }
    const std::string key = queue_.begin()->second;
    queue_.erase(queue_.begin());
    Entry& entry = entries_[key];
    entry.due_ms = -1;
    entry.running = true;
    lock.unlock();
    // More may be due: one sleeper takes over the watch of the queue.
    changed_.notify_one();
    const int64_t again_ms = tick_(key);
    lock.lock();
    Entry& after = entries_[key];
    after.running = false;
    if (again_ms >= 0) {
      const int64_t due = clock_.SteadyMs() + again_ms;
      if (after.due_ms < 0 || due < after.due_ms) after.due_ms = due;
    }
    if (after.due_ms >= 0) {
      queue_.insert({after.due_ms, key});
    } else {
      entries_.erase(key);
    }
  }
}

}  // namespace slipway::pipeline
