#include "engine/lane.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <thread>

namespace slipway::engine {
namespace {

constexpr size_t kQueueLimit = 256;

using Steady = std::chrono::steady_clock;  // real time: a box is about a real thread

Error Quarantined() {
  return {Code::kUnavailable, "EngineQuarantined",
          "the engine did not return from a call and is not called again until it is replaced", "",
          true};
}

struct Job {
  Lane::Function function;
  std::shared_ptr<CallState> state;
  std::condition_variable done;
  bool finished = false, threw = false;
  int32_t code = 0;
  std::optional<Steady::time_point> started;
};

}  // namespace

struct Lane::Shared {
  explicit Shared(int64_t timeout_ms)
      : box(timeout_ms), grace(std::max<int64_t>(timeout_ms / 4, 1)) {}

  const std::chrono::milliseconds box, grace;
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> queue;
  std::shared_ptr<Job> running;
  bool stopping = false, lost = false;
};

struct Lane::Thread {
  std::thread thread;
};

Lane::Lane(const std::string& name, int64_t timeout_ms)
    : shared_(std::make_shared<Shared>(timeout_ms)), thread_(std::make_unique<Thread>()) {
  thread_->thread = std::thread([shared = shared_] { Loop(shared); });
  pthread_setname_np(thread_->thread.native_handle(), name.substr(0, 15).c_str());
}

Lane::~Lane() {
  bool lost = false;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    lost = shared_->lost;
  }
  shared_->wake.notify_all();
  if (lost) {
    // The only detached thread there is: it sits in foreign code that does not return, so joining
    // would hang the exit. It holds what it uses and the library stays mapped.
    thread_->thread.detach();
  } else {
    thread_->thread.join();
  }
}

bool Lane::lost() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->lost;
}

void Lane::Loop(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->wake.wait(lock,
                      [&] { return shared->stopping || shared->lost || !shared->queue.empty(); });
    if (shared->lost || shared->queue.empty()) return;
    const std::shared_ptr<Job> job = std::move(shared->queue.front());
    shared->queue.pop_front();
    shared->running = job;
    job->started = Steady::now();
    lock.unlock();
    int32_t code = SLIPWAY_INTERNAL;
    bool threw = false;
    try {
      code = job->function(job->state->raw());
    } catch (...) {  // an engine without the wrapper; its frames are gone, the host goes on
      threw = true;
    }
    job->function = nullptr;
    lock.lock();
    shared->running = nullptr;
    job->finished = true;
    job->threw = threw;
    job->code = code;
    job->done.notify_one();
  }
}

Result<int32_t> Lane::Run(Function function, std::shared_ptr<CallState> state) {
  Shared& shared = *shared_;
  auto job = std::make_shared<Job>();
  job->function = std::move(function);
  job->state = std::move(state);
  std::unique_lock lock(shared.mutex);
  if (shared.lost) return Quarantined();
  if (shared.queue.size() >= kQueueLimit) {
    return Error{Code::kUnavailable, "EngineBusy", "too many calls wait for the engine", "", true};
  }
  shared.queue.push_back(job);
  shared.wake.notify_one();
  const Steady::time_point give_up = Steady::now() + 10 * shared.box;
  while (!job->finished) {
    if (shared.lost) return Quarantined();
    const Steady::time_point now = Steady::now();
    Steady::time_point until = give_up;
    if (const std::shared_ptr<Job> running = shared.running) {
      // Whoever waits watches whoever runs.
      const Steady::time_point box_ends = *running->started + shared.box;
      if (now >= box_ends + shared.grace) {
        shared.lost = true;
        for (const auto& other : shared.queue) other->done.notify_one();
        shared.queue.clear();
        running->done.notify_one();
        return Quarantined();
      }
      if (now >= box_ends) running->state->Cancel();
      until = now >= box_ends ? box_ends + shared.grace : box_ends;
    } else {
      until = now + shared.box;
    }
    if (!job->started && now >= give_up) {
      std::erase(shared.queue, job);
      return Error{Code::kUnavailable, "EngineBusy", "the engine is busy with other calls", "",
                   true};
    }
    job->done.wait_until(lock, job->started ? until : std::min(until, give_up));
  }
  if (job->threw) {
    return Error{Code::kInternal, "EngineThrew", "the engine let an exception escape"};
  }
  return job->code;
}

}  // namespace slipway::engine
