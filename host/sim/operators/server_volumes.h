#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <poll.h>
#include <set>
#include <signal.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/result.h"
#include "sim/operators/files.h"
#include "sim/operators/process.h"
#include "sim/operators/server_root.h"

namespace slipway::sim::operators {

// What every runtime of database servers knows of a volume. Guarded by ServerVolumes::mutex.
struct ServerSlot {
  bool planned = false, want_run = false, want_gone = false;
  bool stop_first = false;  // a stop was asked for: the process ends, even if it is wanted again
  bool busy = false;        // a step runs or is queued
  bool again = false;       // something changed during the step
  int failures = 0;         // of steps, in a row
  int64_t retry_at = 0;     // steady time at which the monitor tries again; 0 for never
  int64_t check_at = 0;     // a step's wish: when to run again though all is well; 0 for never
  bool stop_asked = false;  // the end of the process is ours
  pid_t pid = 0;
  int pidfd = -1;
  std::string plan_key;  // tells an unchanged plan
};

// How to end a server, from friendly to forced.
struct StopSignals {
  int smart, fast;
};

// The part that runtimes of database servers share: one server a volume, its process, its
// directory and its port, and the steps that lead to what is wanted of it. `Slot` is a ServerSlot
// with a `plan` and a `state`, of which the common fields are used.
//
// Any thread; guarded by one mutex that is never held across a system call that waits. Steps run
// on the executor, at most one a volume, on a copy of the slot; only results go back under the
// mutex.
template <class Slot>
class ServerVolumes {
 public:
  using OnChange = std::function<void(const std::string& ns, const std::string& cluster)>;

  ServerVolumes(std::string kind_in, StopSignals signals_in, const Clock& clock_in, Logger& log_in,
                OnChange on_change_in)
      : kind(std::move(kind_in)),
        signals(signals_in),
        clock(clock_in),
        log(log_in),
        on_change(std::move(on_change_in)) {}

  // The heir's destructor has called Shutdown(), so that no step runs in a half of an object.
  virtual ~ServerVolumes() = default;

  void Stop(const std::string& volume) {
    Change(volume, [](Slot& slot) {
      if (!slot.want_run) return false;
      slot.want_run = slot.state.exited = slot.state.running = false;
      slot.stop_first = slot.pid != 0;
      return true;
    });
  }

  void Restart(const std::string& volume) {
    Change(volume, [](Slot& slot) { return std::exchange(slot.state.exited, false); });
  }

  void Remove(const std::string& volume) {
    Change(volume, [](Slot& slot) { return slot.want_gone = true; });
  }

  auto Get(const std::string& volume) const {
    const Slot slot = Copy(volume);
    auto out = slot.state;
    out.process = slot.pid != 0;
    return out;
  }

  std::vector<std::string> Names() const {
    const std::lock_guard lock(mutex);
    std::vector<std::string> out;
    for (const auto& [volume, slot] : slots) out.push_back(volume);
    return out;
  }

  // Makes a step run soon.
  void Poke(const std::string& volume);

 protected:
  // One step towards what is wanted of the volume; true when there may be more to do. kUnavailable
  // and kCancelled mean "not yet" and are no failures.
  virtual Result<bool> Step(const std::string& volume) = 0;
  // Ends what an earlier life has left of the volume.
  virtual void EndLeftovers(const std::string& volume) = 0;

  Result<void> Open(const std::string& data_dir);
  void Shutdown();  // stops every server and the threads
  Slot Copy(const std::string& volume) const;
  void Changed(const std::string& volume);
  Result<int> PortOf(const std::string& volume);
  // Starts the server and waits until it is ready; `note` runs with the lock held.
  Result<void> Launch(const std::string& volume, const Command& command,
                      const std::function<void(Slot&)>& note, const std::function<bool()>& ready);
  Result<void> StopServer(const std::string& volume, int signal);
  void Forget(const std::string& volume);  // with its directory

  std::string Dir(const std::string& volume) const { return root.Volumes() + "/" + volume; }

  const std::string kind;
  const StopSignals signals;
  const Clock& clock;
  Logger& log;
  const OnChange on_change;
  const Account account = Account::ForDatabases();
  ServerRoot root;
  int stop_fd = -1;  // readable when the runtime stops

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Slot> slots;
  std::set<int> ports;
  bool stopping = false;

 private:
  static constexpr size_t kThreads = 4;
  static constexpr int64_t kRetryMs = 150, kMaxWaitMs = 600, kMaxRetryMs = 5000;
  static constexpr int64_t kStartTimeoutMs = 60'000, kStopTimeoutMs = 15'000;

  static void Ring(int fd) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(fd, &one, sizeof one);
  }

  template <class F>
  void Change(const std::string& volume, F change) {
    {
      const std::lock_guard lock(mutex);
      const auto it = slots.find(volume);
      if (it == slots.end() || !change(it->second)) return;
    }
    Poke(volume);
  }

  void Monitor();  // thread: reaps servers, retries blocked steps
  void Reap(const std::vector<pollfd>& fds, const std::vector<std::string>& owners);
  void RunSteps(const std::string& volume);

  int wake_fd_ = -1;
  std::unique_ptr<Executor> executor_;
  std::thread monitor_;
};

}  // namespace slipway::sim::operators

#include "sim/operators/server_volumes_impl.h"
