#include "engine/lane.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <thread>
#include <time.h>

#include "engine/crash_signals.h"

namespace slipway::engine {
namespace {

using Steady = std::chrono::steady_clock;  // real time: the box limits a real thread
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr size_t kQueueLimit = 256;
constexpr int kPatience = 10;          // in boxes of wall-clock time
constexpr milliseconds kLookAgain(5);  // shortest wait

nanoseconds Computed(clockid_t clock) {
  timespec spent{};
  ::clock_gettime(clock, &spent);
  return std::chrono::seconds(spent.tv_sec) + nanoseconds(spent.tv_nsec);
}

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
  nanoseconds computed_before{};  // CPU time of its thread before the call
};

}  // namespace

struct Lane::Shared {
  explicit Shared(int64_t timeout_ms)
      : box(timeout_ms), grace(std::max<int64_t>(timeout_ms / 4, 1)) {}

  // The time that the running call has used of its box. Its thread exists while the call runs.
  nanoseconds Used() const {
    return std::max<nanoseconds>(Computed(thread_clock) - running->computed_before,
                                 (Steady::now() - *running->started) / kPatience);
  }

  const milliseconds box, grace;
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> queue;
  std::shared_ptr<Job> running;
  clockid_t thread_clock = 0;
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
    // The thread is in foreign code that does not return: a join would hang the exit. It owns its
    // data, and the library stays mapped.
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
  const SignalStack for_overflows;
  std::unique_lock lock(shared->mutex);
  ::pthread_getcpuclockid(::pthread_self(), &shared->thread_clock);
  while (true) {
    shared->wake.wait(lock,
                      [&] { return shared->stopping || shared->lost || !shared->queue.empty(); });
    if (shared->lost || shared->queue.empty()) return;
    const std::shared_ptr<Job> job = std::move(shared->queue.front());
    shared->queue.pop_front();
    shared->running = job;
    job->started = Steady::now();
    job->computed_before = Computed(shared->thread_clock);
    lock.unlock();
    int32_t code = SLIPWAY_INTERNAL;
    bool threw = false;
    try {
      code = job->function(job->state->raw());
    } catch (...) {  // an engine without the SDK's wrapper threw; the host goes on
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
  const Steady::time_point give_up = Steady::now() + kPatience * shared.box;
  while (!job->finished) {
    if (shared.lost) return Quarantined();
    const Steady::time_point now = Steady::now();
    Steady::time_point until = now + shared.box;
    if (const std::shared_ptr<Job> running = shared.running) {
      // Each waiting caller watches the running call.
      const nanoseconds used = shared.Used();
      if (used >= shared.box + shared.grace) {
        shared.lost = true;
        for (const auto& other : shared.queue) other->done.notify_one();
        shared.queue.clear();
        running->done.notify_one();
        return Quarantined();
      }
      if (used >= shared.box) running->state->Cancel();
      const nanoseconds left = (used >= shared.box ? shared.box + shared.grace : shared.box) - used;
      until = now + std::max<nanoseconds>(left, kLookAgain);
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
