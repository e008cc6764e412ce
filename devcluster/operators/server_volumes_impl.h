#pragma once

#include "devcluster/operators/server_volumes.h"

// The bodies of ServerVolumes' longer functions.
namespace slipway::sim::operators {

template <class Slot>
Result<void> ServerVolumes<Slot>::Open(const std::string& data_dir) {
  TRY_VOID(root.Open(data_dir, account, log));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root.Volumes(), error)) {
    const std::string volume = entry.path().filename().string();
    RemovePidFile(volume);
    Slot& slot = slots[volume];
    slot.state.filled = !ReadFile(Dir(volume) + "/filled").empty();
    slot.state.port = std::atoi(ReadFile(PortFile(volume)).c_str());
    if (slot.state.port != 0) ports.insert(slot.state.port);
  }
  stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  executor_ = std::make_unique<Executor>("sim-" + kind, kThreads, 10'000);
  monitor_ = std::thread([this] { Monitor(); });
  return {};
}

template <class Slot>
void ServerVolumes<Slot>::BeginShutdown() {
  const std::lock_guard lock(mutex);
  stopping = true;
  if (stop_fd >= 0) Ring(stop_fd);
  changed.notify_all();
}

template <class Slot>
void ServerVolumes<Slot>::Shutdown() {
  BeginShutdown();
  {
    std::unique_lock lock(mutex);
    // We signal them before our threads end, because that end sends the servers their parent-death
    // signal.
    for (auto& [volume, slot] : slots)
      if (slot.pid > 0) kill(slot.pid, signals.smart);
    const auto none = [this] {
      return std::all_of(slots.begin(), slots.end(),
                         [](const auto& s) { return s.second.pid == 0; });
    };
    for (const int harder : {signals.fast, SIGKILL, 0}) {
      if (changed.wait_for(lock, std::chrono::seconds(5), none) || harder == 0) break;
      for (auto& [volume, slot] : slots)
        if (slot.pid > 0) kill(slot.pid, harder);
    }
    changed.notify_all();
  }
  if (executor_) executor_->Drain();
  if (monitor_.joinable()) {
    Ring(wake_fd_);
    monitor_.join();
  }
  for (const auto& [volume, slot] : slots)
    if (slot.pidfd >= 0) close(slot.pidfd);
  for (const int fd : {stop_fd, wake_fd_})
    if (fd >= 0) close(fd);
}

template <class Slot>
void ServerVolumes<Slot>::Monitor() {
  for (;;) {
    std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}};
    std::vector<std::string> owners{""};
    int64_t retry_at = 0;
    {
      const std::lock_guard lock(mutex);
      for (auto& [volume, slot] : slots) {
        if (slot.pidfd >= 0) {
          fds.push_back({slot.pidfd, POLLIN, 0});
          owners.push_back(volume);
        }
        if (slot.retry_at != 0 && (retry_at == 0 || slot.retry_at < retry_at))
          retry_at = slot.retry_at;
      }
      if (stopping && owners.size() == 1) return;
    }
    const int64_t left = retry_at - clock.SteadyMs();
    const int wait =
        retry_at == 0 ? -1 : static_cast<int>(std::clamp<int64_t>(left, 0, kMaxRetryMs));
    poll(fds.data(), fds.size(), wait);
    uint64_t ignored = 0;
    if (fds[0].revents != 0) {
      [[maybe_unused]] const ssize_t size = read(wake_fd_, &ignored, sizeof ignored);
    }
    Reap(fds, owners);
  }
}

template <class Slot>
void ServerVolumes<Slot>::Reap(const std::vector<pollfd>& fds,
                               const std::vector<std::string>& owners) {
  std::vector<std::string> ended, retries;
  {
    const std::lock_guard lock(mutex);
    for (size_t i = 1; i < fds.size(); ++i) {
      const auto it = slots.find(owners[i]);
      if (fds[i].revents == 0 || it == slots.end() || it->second.pidfd != fds[i].fd) continue;
      Slot& slot = it->second;
      waitpid(slot.pid, nullptr, 0);
      close(slot.pidfd);
      slot.pid = 0;
      slot.pidfd = -1;
      slot.state.running = false;
      slot.state.exited = !slot.stop_asked && !stopping;
      ended.push_back(owners[i]);
    }
    for (auto& [volume, slot] : slots) {
      if (slot.retry_at != 0 && slot.retry_at <= clock.SteadyMs()) {
        slot.retry_at = 0;
        retries.push_back(volume);
      }
    }
    changed.notify_all();
  }
  for (const std::string& volume : ended) Changed(volume);
  for (const std::string& volume : retries) Poke(volume);
}

template <class Slot>
void ServerVolumes<Slot>::Changed(const std::string& volume) {
  const Slot slot = Copy(volume);
  if (on_change && !slot.plan.cluster.empty()) on_change(slot.plan.ns, slot.plan.cluster);
}

template <class Slot>
Slot ServerVolumes<Slot>::Copy(const std::string& volume) const {
  const std::lock_guard lock(mutex);
  const auto it = slots.find(volume);
  return it == slots.end() ? Slot() : it->second;
}

template <class Slot>
void ServerVolumes<Slot>::Poke(const std::string& volume) {
  {
    const std::lock_guard lock(mutex);
    const auto it = slots.find(volume);
    if (it == slots.end() || stopping) return;
    if (it->second.busy) {
      it->second.again = true;
      return;
    }
    it->second.busy = true;
  }
  if (executor_->Post([this, volume] { RunSteps(volume); })) return;
  const std::lock_guard lock(mutex);
  const auto it = slots.find(volume);
  if (it == slots.end()) return;
  it->second.busy = false;
  it->second.retry_at = clock.SteadyMs() + kRetryMs;
}

template <class Slot>
Result<bool> ServerVolumes<Slot>::Step(const std::string& volume) {
  const Slot slot = Copy(volume);
  if (slot.want_gone) {
    TRY_VOID(StopServer(volume, LastSignal(slot)));
    TRY_VOID(Erase(volume));
    return false;
  }
  if (!slot.planned) return false;
  if (!slot.want_run || slot.stop_first) {
    TRY_VOID(StopServer(volume, signals.smart));
    return slot.want_run;
  }
  if (!slot.state.filled) return Fill(volume, slot);
  if (slot.pid == 0) return slot.state.exited ? Result<bool>(false) : StartServer(volume, slot);
  return Adjust(volume, slot);
}

template <class Slot>
void ServerVolumes<Slot>::RunSteps(const std::string& volume) {
  for (;;) {
    auto more = Step(volume);
    const bool failed = !more;
    const bool waiting = failed && (more.error().code == Code::kUnavailable ||
                                    more.error().code == Code::kCancelled);
    if (failed && !waiting)
      log.Warn("sim." + kind + "_step_failed",
               {{"volume", volume}, {"error", more.error().message}});
    bool go_on = false;
    {
      const std::lock_guard lock(mutex);
      const auto it = slots.find(volume);
      if (it == slots.end()) return;
      Slot& slot = it->second;
      slot.state.failure = failed && !waiting ? more.error().message : "";
      go_on = !stopping && !failed && (*more || slot.again);
      slot.again = false;
      if (!go_on) {
        slot.busy = false;
        const int64_t longest = waiting ? kMaxWaitMs : kMaxRetryMs;
        const int64_t checked = std::exchange(slot.check_at, 0);
        slot.retry_at =
            failed ? clock.SteadyMs() + std::min(kRetryMs << slot.failures, longest) : checked;
        slot.failures = failed ? std::min(slot.failures + 1, 6) : 0;
      }
    }
    Changed(volume);
    if (!go_on) break;
  }
  Ring(wake_fd_);
}

template <class Slot>
Result<int> ServerVolumes<Slot>::PortOf(const std::string& volume) {
  int port = std::atoi(ReadFile(PortFile(volume)).c_str());
  while (port == 0) {
    TRY(port, FreePort());
    const std::lock_guard lock(mutex);
    if (!ports.insert(port).second) port = 0;
  }
  TRY_VOID(WriteFile(PortFile(volume), std::to_string(port), account));
  const std::lock_guard lock(mutex);
  slots[volume].state.port = port;
  return port;
}

template <class Slot>
Result<void> ServerVolumes<Slot>::Launch(const std::string& volume, Command command,
                                         const std::function<void(Slot&)>& note,
                                         const std::function<bool()>& ready, int64_t timeout_ms) {
  std::unique_lock lock(mutex);
  if (stopping) return Error{Code::kCancelled, "Stopping", "the runtime stops"};
  command.death_signal = signals.fast;
  TRY(const pid_t pid, Spawn(command));
  Slot& live = slots[volume];
  live.pid = pid;
  live.pidfd = OpenPidfd(pid);
  live.stop_asked = false;
  live.state.exited = false;
  note(live);
  const int port = live.state.port;
  lock.unlock();
  Ring(wake_fd_);
  const int64_t deadline = clock.SteadyMs() + timeout_ms;
  while (!ready()) {
    lock.lock();
    const bool gone = changed.wait_for(lock, std::chrono::milliseconds(20),
                                       [&] { return slots[volume].pid == 0 || stopping; });
    if (gone) {
      slots[volume].state.exited = false;
      if (!stopping && port != 0) {  // another program may have taken the port
        ports.erase(port);
        RemoveTree(PortFile(volume));
      }
      return Error{Code::kUnavailable, "ServerEnded",
                   "the server ended while starting; see " + command.output_file};
    }
    lock.unlock();
    if (clock.SteadyMs() > deadline)
      return Error{Code::kDeadline, "ServerNotReady", "the server did not answer in time"};
  }
  return {};
}

template <class Slot>
Result<void> ServerVolumes<Slot>::StopServer(const std::string& volume, int signal) {
  std::unique_lock lock(mutex);
  for (const int number : {signal, signals.fast, SIGKILL}) {
    Slot& slot = slots[volume];
    slot.state.running = false;
    slot.stop_asked = true;
    slot.stop_first = slot.stop_first && slot.pid != 0;
    if (slot.pid == 0) return {};
    kill(slot.pid, number);
    changed.wait_for(lock, std::chrono::milliseconds(kStopTimeoutMs),
                     [&] { return slots[volume].pid == 0; });
  }
  if (slots[volume].pid != 0)
    return Error{Code::kDeadline, "ServerNotStopped", "the server does not stop"};
  slots[volume].stop_first = false;
  return {};
}

template <class Slot>
void ServerVolumes<Slot>::Signal(const std::string& volume, int number) {
  const std::lock_guard lock(mutex);
  const auto it = slots.find(volume);
  if (it != slots.end() && it->second.pid > 0) kill(it->second.pid, number);
}

template <class Slot>
void ServerVolumes<Slot>::Forget(const std::string& volume) {
  const int port = Copy(volume).state.port;
  RemoveTree(Dir(volume));
  const std::lock_guard lock(mutex);
  ports.erase(port);
  slots.erase(volume);
}

}  // namespace slipway::sim::operators
