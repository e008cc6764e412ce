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
#include "devcluster/operators/files.h"
#include "devcluster/operators/process.h"
#include "devcluster/operators/server_root.h"

namespace slipway::sim::operators {

// What a caller comes back for.
inline Error NotYet(const std::string& what) {
  return Error{Code::kUnavailable, "NotYet", what};
}

// What every runtime of database servers knows about a volume. Guarded by ServerVolumes::mutex.
struct ServerSlot {
  bool planned = false, want_run = false, want_gone = false;
  bool stop_first = false;  // a stop was asked for: the process ends even if it is wanted again
  bool busy = false;        // a step runs or is queued
  bool again = false;       // something changed during the step
  int failures = 0;         // of steps, in a row
  int64_t retry_at = 0;     // steady time at which the monitor tries again; 0 for never
  int64_t check_at = 0;     // when a step wants to run again though all is well; 0 for never
  bool stop_asked = false;  // we have asked the process to end
  pid_t pid = 0;
  int pidfd = -1;
  std::string plan_key;  // shows whether a plan has changed
};

// The signals that end a server, from friendly to forced.
struct StopSignals {
  int smart, fast;
};

// The part that runtimes of database servers share: one server per volume, its process, its
// directory and its port, and the steps that lead to the wanted state. `Slot` is a ServerSlot with
// a `plan` and a `state`, of which the common fields are used here.
//
// Any thread may call it. One mutex guards it and is never held across a system call that waits.
// Steps run on the executor, at most one per volume, and work on a copy of the slot; only their
// results go back under the mutex.
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

  // The derived class calls Shutdown() in its destructor, so that no step runs on a half-destroyed
  // object.
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
  // The steps towards the wanted state of a volume. They return true when there may be more to do;
  // kUnavailable and kCancelled mean "not yet" and are no failures. Fill makes the data directory
  // and StartServer the process; Adjust gives the running server what it lacks.
  virtual Result<bool> Fill(const std::string& volume, const Slot& slot) = 0;
  virtual Result<bool> StartServer(const std::string& volume, const Slot& slot) = 0;
  virtual Result<bool> Adjust(const std::string& volume, const Slot& slot) = 0;

  // How a server is ended whose data goes with it.
  virtual int LastSignal(const Slot&) const { return signals.fast; }

  // Called when the server has ended and the volume, with its directory, is to be forgotten.
  virtual Result<void> Erase(const std::string& volume) {
    Forget(volume);
    return {};
  }

  // Deletes the pid file that a server of an earlier life has left: its number may belong to a
  // stranger by now.
  virtual void RemovePidFile(const std::string& volume) = 0;

  // The file that keeps the port on which the volume's server listens.
  virtual std::string PortFile(const std::string& volume) const { return Dir(volume) + "/port"; }

  Result<void> Open(const std::string& data_dir);
  // From here on no program starts and every wait ends: for an heir with threads of its own.
  void BeginShutdown();
  void Shutdown();  // stops every server and the threads
  Slot Copy(const std::string& volume) const;
  void Changed(const std::string& volume);
  Result<int> PortOf(const std::string& volume);
  // Starts the server and waits until it is ready; `note` runs with the lock held.
  Result<void> Launch(const std::string& volume, Command command,
                      const std::function<void(Slot&)>& note, const std::function<bool()>& ready,
                      int64_t timeout_ms = kStartTimeoutMs);
  Result<void> StopServer(const std::string& volume, int signal);
  // Signals the volume's server, if it still runs. A copy of the slot may be older than the
  // server's end, and kill(0) would end ourselves.
  void Signal(const std::string& volume, int number);
  void Forget(const std::string& volume);  // with its directory

  // The command of a program that works on our files.
  Command ProgramOf(std::vector<std::string> argv, std::string output_file = "",
                    std::string input = "") const {
    return {std::move(argv), std::move(output_file), account, std::move(input), SIGKILL,
            root.mark()};
  }

  std::string Dir(const std::string& volume) const { return root.Volumes() + "/" + volume; }

  const std::string kind;
  const StopSignals signals;
  const Clock& clock;
  Logger& log;
  const OnChange on_change;
  const Account account = Account::ForDatabases();
  ServerRoot root;
  int stop_fd = -1;  // becomes readable when the runtime stops
  static constexpr int64_t kStartTimeoutMs = 60'000;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Slot> slots;
  std::set<int> ports;
  bool stopping = false;

 private:
  static constexpr size_t kThreads = 4;
  static constexpr int64_t kRetryMs = 150, kMaxWaitMs = 600, kMaxRetryMs = 5000;
  static constexpr int64_t kStopTimeoutMs = 15'000;

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

  void Monitor();  // a thread: reaps servers and retries blocked steps
  void Reap(const std::vector<pollfd>& fds, const std::vector<std::string>& owners);
  void RunSteps(const std::string& volume);
  Result<bool> Step(const std::string& volume);

  int wake_fd_ = -1;
  std::unique_ptr<Executor> executor_;
  std::thread monitor_;
};

}  // namespace slipway::sim::operators

#include "devcluster/operators/server_volumes_impl.h"
