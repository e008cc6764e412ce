#include "pipeline/scheduler.h"

#include <algorithm>
#include <chrono>
#include <pthread.h>

namespace slipway::pipeline {
namespace {

constexpr auto kGrowEvery = std::chrono::milliseconds(50),
               kIdleLook = std::chrono::milliseconds(500);
constexpr auto kBeatEvery = std::chrono::seconds(1);

}  // namespace

Scheduler::Scheduler(SchedulerOptions options, const Clock& clock, Tick tick, Held held, Beat beat)
    : options_(options),
      clock_(clock),
      tick_(std::move(tick)),
      held_(std::move(held)),
      beat_(std::move(beat)) {}

void Scheduler::Start() {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < options_.workers; ++i) StartWorker();
  watcher_ = std::thread([this] { Watch(); });
  pthread_setname_np(watcher_.native_handle(), "tick-watch");
}

Scheduler::~Scheduler() {
  Stop();
}

void Scheduler::StartWorker() {
  workers_.emplace_back([this] { Run(); });
  pthread_setname_np(workers_.back().native_handle(), "tick");
}

void Scheduler::Wake(const std::string& key, int64_t delay_ms,
                     const std::vector<std::string>& lanes) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    Entry& entry = entries_[key];
    if (!lanes.empty() && !entry.running) entry.lanes = lanes;
    if (!entry.parked_in.empty()) return;  // runs as soon as it may
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
  watch_.notify_all();
  if (watcher_.joinable()) watcher_.join();  // it alone starts workers
  for (std::thread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
}

size_t Scheduler::waiting() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

// The next key that is due and may run, with its lanes taken. Keys whose lane is full are parked.
bool Scheduler::TakeDue(std::string& key, int64_t& next_ms) {
  const int64_t now = clock_.SteadyMs();
  next_ms = -1;
  while (!queue_.empty()) {
    if (queue_.begin()->first > now) {
      next_ms = queue_.begin()->first - now;
      return false;
    }
    key = queue_.begin()->second;
    queue_.erase(queue_.begin());
    Entry& entry = entries_[key];
    entry.due_ms = -1;
    entry.since_ms = now;
    entry.told = false;
    const auto full = std::find_if(
        entry.lanes.begin(), entry.lanes.end(),
        [&](const std::string& lane) { return lanes_[lane].running >= options_.most_per_lane; });
    if (full != entry.lanes.end()) {
      entry.parked_in = *full;
      lanes_[*full].parked.push_back(key);
      continue;
    }
    for (const std::string& lane : entry.lanes) ++lanes_[lane].running;
    entry.running = true;
    return true;
  }
  return false;
}

// The tick has ended: the first that waits for one of its lanes is due.
void Scheduler::Release(Entry& entry) {
  for (const std::string& name : entry.lanes) {
    Lane& lane = lanes_[name];
    --lane.running;
    if (lane.parked.empty()) {
      if (lane.running == 0) lanes_.erase(name);
      continue;
    }
    const std::string key = lane.parked.front();
    lane.parked.pop_front();
    Entry& next = entries_[key];
    next.parked_in.clear();
    next.due_ms = clock_.SteadyMs();
    if (!next.running) queue_.insert({next.due_ms, key});
  }
}

void Scheduler::Run() {
  std::unique_lock lock(mutex_);
  std::string key;
  int64_t next_ms = -1;
  while (!stopping_) {
    if (!TakeDue(key, next_ms)) {
      ++idle_;
      if (next_ms < 0) {
        changed_.wait(lock);
      } else {
        changed_.wait_for(lock, std::chrono::milliseconds(next_ms));
      }
      --idle_;
      continue;
    }
    lock.unlock();
    // More may be due: one sleeper takes over the watch of the queue.
    changed_.notify_one();
    const int64_t again_ms = tick_(key);
    lock.lock();
    Entry& after = entries_[key];
    after.running = false;
    Release(after);
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

// Adds a worker while something is due and all of them are busy, and reports the keys that are
// held.
void Scheduler::Watch() {
  std::unique_lock lock(mutex_);
  auto next_beat = std::chrono::steady_clock::now() + kBeatEvery;
  while (!stopping_) {
    const bool all_busy = idle_ == 0;
    watch_.wait_for(lock, all_busy ? kGrowEvery : kIdleLook);
    if (stopping_) return;
    const bool due = !queue_.empty() && queue_.begin()->first <= clock_.SteadyMs();
    if (due && idle_ == 0 && all_busy && workers_.size() < options_.most) StartWorker();
    if (std::chrono::steady_clock::now() < next_beat) continue;
    next_beat = std::chrono::steady_clock::now() + kBeatEvery;
    Report(lock);
    if (!beat_) continue;
    lock.unlock();
    beat_();
    lock.lock();
  }
}

void Scheduler::Report(std::unique_lock<std::mutex>& lock) {
  if (!held_) return;
  const int64_t now = clock_.SteadyMs();
  std::vector<std::pair<std::string, std::string>> held;
  for (auto& [key, entry] : entries_) {
    const bool waits = entry.running || !entry.parked_in.empty();
    if (!waits || entry.told || now - entry.since_ms < options_.held_ms) continue;
    entry.told = true;
    held.emplace_back(key, entry.parked_in);
  }
  // No thread is left for these: everybody's lane is full.
  for (const auto& [due, key] : queue_) {
    if (due > now - options_.held_ms) break;
    Entry& entry = entries_[key];
    if (entry.told) continue;
    entry.told = true;
    held.emplace_back(key, "every engine");
  }
  lock.unlock();
  for (const auto& [key, lane] : held) held_(key, lane);
  lock.lock();
}

}  // namespace slipway::pipeline
