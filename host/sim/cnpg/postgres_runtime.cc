#include "sim/cnpg/postgres_runtime.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "sim/cnpg/postgres_runtime_impl.h"

namespace slipway::sim::cnpg {

namespace {

constexpr size_t kThreads = 4;
constexpr int64_t kRetryMs = 150, kMaxRetryMs = 5000;

void Ring(int fd) {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(fd, &one, sizeof one);
}

}  // namespace

std::string PostgresRuntime::FindPrograms(const std::string& configured) {
  const auto usable = [](const std::string& dir) {
    return access((dir + "/postgres").c_str(), X_OK) == 0 &&
           access((dir + "/initdb").c_str(), X_OK) == 0;
  };
  if (!configured.empty()) return usable(configured) ? configured : "";
  std::string best;
  int newest = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    const int version = std::atoi(entry.path().filename().c_str());
    const std::string dir = entry.path().string() + "/bin";
    if (version <= newest || !usable(dir)) continue;
    newest = version;
    best = dir;
  }
  return best;
}

PostgresRuntime::Impl::Impl(Options options_in, const Clock& clock_in, Logger& log_in,
                            OnChange on_change_in)
    : options(std::move(options_in)),
      clock(clock_in),
      log(log_in),
      on_change(std::move(on_change_in)) {}

Result<void> PostgresRuntime::Impl::Prepare() {
  std::error_code error;
  root = std::filesystem::absolute(options.data_dir, error).lexically_normal().string();
  if (error)
    return Error{Code::kInvalid, "BadDataDirectory", options.data_dir + ": " + error.message()};
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  const std::string tag = Sha256Hex(root).substr(0, 12);
  if (!account.CanReach(root)) {
    const std::string other = "/var/tmp/slipway-databases-" + tag;
    log.Warn("sim.postgres_directory_moved",
             {{"configured", root},
              {"used", other},
              {"reason", "not reachable for the database account"}});
    root = other;
  }
  TRY_VOID(MakeDirectory(root, 0755, Account{}));
  lock_fd = open((root + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd < 0 || flock(lock_fd, LOCK_EX | LOCK_NB) != 0)
    return Error{Code::kUnavailable, "DataDirectoryInUse", root + " is used by another process"};
  // A socket's path has about 100 bytes.
  sockets = root.size() < 80 ? root + "/run" : "/tmp/slipway-run-" + tag;
  TRY_VOID(MakeDirectory(sockets, 0700, account));
  TRY_VOID(MakeDirectory(root + "/volumes", 0711, Account{}));
  for (const auto& entry : std::filesystem::directory_iterator(root + "/volumes", error)) {
    const std::string volume = entry.path().filename().string();
    EndStalePostmaster(Data(volume));
    std::filesystem::remove(Data(volume) + "/postmaster.pid", error);
    PostgresSlot& slot = slots[volume];
    slot.state.filled = !ReadFile(Dir(volume) + "/filled").empty();
    slot.state.port = std::atoi(ReadFile(Dir(volume) + "/port").c_str());
    if (slot.state.port != 0) ports.insert(slot.state.port);
  }
  stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  executor = std::make_unique<Executor>("sim-postgres", kThreads, 10'000);
  monitor = std::thread([this] { Monitor(); });
  return {};
}

PostgresRuntime::Impl::~Impl() {
  {
    std::unique_lock lock(mutex);
    stopping = true;
    if (stop_fd >= 0) Ring(stop_fd);
    // Before the threads end: their end is the servers' parent-death signal.
    for (auto& [volume, slot] : slots)
      if (slot.pid > 0) kill(slot.pid, SIGINT);
    const auto none = [this] {
      return std::all_of(slots.begin(), slots.end(),
                         [](const auto& s) { return s.second.pid == 0; });
    };
    for (const int harder : {SIGQUIT, SIGKILL, 0}) {
      if (changed.wait_for(lock, std::chrono::seconds(5), none) || harder == 0) break;
      for (auto& [volume, slot] : slots)
        if (slot.pid > 0) kill(slot.pid, harder);
    }
    changed.notify_all();
  }
  if (executor) executor->Drain();
  if (monitor.joinable()) {
    Ring(wake_fd);
    monitor.join();
  }
  for (const auto& [volume, slot] : slots)
    if (slot.pidfd >= 0) close(slot.pidfd);
  for (const int fd : {lock_fd, stop_fd, wake_fd})
    if (fd >= 0) close(fd);
}

void PostgresRuntime::Impl::Monitor() {
  for (;;) {
    std::vector<pollfd> fds{{wake_fd, POLLIN, 0}};
    std::vector<std::string> owners{""}, retries;
    int64_t retry_at = 0;
    {
      const std::lock_guard lock(mutex);
      bool any = false;
      for (auto& [volume, slot] : slots) {
        if (slot.pidfd >= 0) {
          fds.push_back({slot.pidfd, POLLIN, 0});
          owners.push_back(volume);
          any = true;
        }
        if (slot.retry_at != 0 && (retry_at == 0 || slot.retry_at < retry_at))
          retry_at = slot.retry_at;
      }
      if (stopping && !any) return;
    }
    const int64_t left = retry_at - clock.SteadyMs();
    const int wait =
        retry_at == 0 ? -1 : static_cast<int>(std::clamp<int64_t>(left, 0, kMaxRetryMs));
    poll(fds.data(), fds.size(), wait);
    uint64_t ignored = 0;
    if (fds[0].revents != 0) {
      [[maybe_unused]] const ssize_t size = read(wake_fd, &ignored, sizeof ignored);
    }
    std::vector<std::string> ended;
    {
      const std::lock_guard lock(mutex);
      for (size_t i = 1; i < fds.size(); ++i) {
        const auto it = slots.find(owners[i]);
        if (fds[i].revents == 0 || it == slots.end() || it->second.pidfd != fds[i].fd) continue;
        PostgresSlot& slot = it->second;
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
}

void PostgresRuntime::Impl::Changed(const std::string& volume) {
  const PostgresSlot slot = Copy(volume);
  if (on_change && !slot.plan.cluster.empty()) on_change(slot.plan.ns, slot.plan.cluster);
}

PostgresSlot PostgresRuntime::Impl::Copy(const std::string& volume) const {
  const std::lock_guard lock(mutex);
  const auto it = slots.find(volume);
  return it == slots.end() ? PostgresSlot() : it->second;
}

void PostgresRuntime::Impl::Poke(const std::string& volume) {
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
  if (executor->Post([this, volume] { RunSteps(volume); })) return;
  const std::lock_guard lock(mutex);
  const auto it = slots.find(volume);
  if (it == slots.end()) return;
  it->second.busy = false;
  it->second.retry_at = clock.SteadyMs() + kRetryMs;
}

void PostgresRuntime::Impl::RunSteps(const std::string& volume) {
  for (;;) {
    auto more = Step(volume);
    const bool failed = !more;
    const bool waiting = failed && (more.error().code == Code::kUnavailable ||
                                    more.error().code == Code::kCancelled);
    if (failed && !waiting)
      log.Warn("sim.postgres_step_failed", {{"volume", volume}, {"error", more.error().message}});
    bool go_on = false;
    {
      const std::lock_guard lock(mutex);
      const auto it = slots.find(volume);
      if (it == slots.end()) return;
      PostgresSlot& slot = it->second;
      slot.state.failure = failed && !waiting ? more.error().message : "";
      go_on = !stopping && !failed && (*more || slot.again);
      slot.again = false;
      if (!go_on) {
        slot.busy = false;
        slot.failures = failed && !waiting ? std::min(slot.failures + 1, 6) : 0;
        slot.retry_at =
            failed ? clock.SteadyMs() + std::min(kRetryMs << slot.failures, kMaxRetryMs) : 0;
      }
    }
    Changed(volume);
    if (!go_on) break;
  }
  Ring(wake_fd);
}

PostgresRuntime::PostgresRuntime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PostgresRuntime::~PostgresRuntime() = default;

Result<std::unique_ptr<PostgresRuntime>> PostgresRuntime::Start(Options options, const Clock& clock,
                                                                Logger& log, OnChange on_change) {
  auto impl = std::make_unique<Impl>(std::move(options), clock, log, std::move(on_change));
  TRY_VOID(impl->Prepare());
  return std::unique_ptr<PostgresRuntime>(new PostgresRuntime(std::move(impl)));
}

void PostgresRuntime::Want(const std::string& volume, Plan plan) {
  {
    const std::lock_guard lock(impl_->mutex);
    PostgresSlot& slot = impl_->slots[volume];
    if (slot.want_gone) return;
    slot.state.ns = plan.ns;
    slot.state.cluster = plan.cluster;
    slot.state.instance = plan.instance;
    const auto upstream = impl_->slots.find(plan.upstream);
    std::string key =
        plan.upstream + '|' + plan.password + '|' + plan.tls_cert + '|' + plan.parameters.Dump();
    if (upstream != impl_->slots.end()) key += '|' + std::to_string(upstream->second.state.port);
    key = Sha256Hex(key);
    if (slot.planned && slot.want_run && slot.plan_key == key) return;
    slot.plan_key = key;
    if (slot.state.primary && !plan.upstream.empty()) slot.state.running = false;
    slot.plan = std::move(plan);
    slot.planned = slot.want_run = true;
  }
  impl_->Poke(volume);
}

void PostgresRuntime::Stop(const std::string& volume) {
  {
    const std::lock_guard lock(impl_->mutex);
    const auto it = impl_->slots.find(volume);
    if (it == impl_->slots.end() || !it->second.want_run) return;
    it->second.want_run = false;
    it->second.state.exited = false;
  }
  impl_->Poke(volume);
}

void PostgresRuntime::Restart(const std::string& volume) {
  {
    const std::lock_guard lock(impl_->mutex);
    const auto it = impl_->slots.find(volume);
    if (it == impl_->slots.end() || !it->second.state.exited) return;
    it->second.state.exited = false;
  }
  impl_->Poke(volume);
}

void PostgresRuntime::Remove(const std::string& volume) {
  {
    const std::lock_guard lock(impl_->mutex);
    const auto it = impl_->slots.find(volume);
    if (it == impl_->slots.end()) return;
    it->second.want_gone = true;
  }
  impl_->Poke(volume);
}

PostgresRuntime::State PostgresRuntime::Get(const std::string& volume) const {
  const PostgresSlot slot = impl_->Copy(volume);
  State out = slot.state;
  out.process = slot.pid != 0;
  return out;
}

std::vector<std::string> PostgresRuntime::Volumes() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<std::string> out;
  for (const auto& [volume, slot] : impl_->slots) out.push_back(volume);
  return out;
}

uint64_t PostgresRuntime::Probe(const std::string& volume) {
  const PostgresSlot slot = impl_->Copy(volume);
  if (!slot.state.running) return 0;
  impl_->Refresh(volume);
  const char* sql = slot.state.primary
                        ? "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
                        : "SELECT pg_wal_lsn_diff(coalesce(pg_last_wal_receive_lsn(), "
                          "pg_last_wal_replay_lsn()), '0/0')";
  auto position = impl_->Sql(slot.state.port, "postgres", sql);
  return position ? std::strtoull(position->c_str(), nullptr, 10) : 0;
}

}  // namespace slipway::sim::cnpg
