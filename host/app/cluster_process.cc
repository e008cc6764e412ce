#include "app/cluster_process.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace slipway::app {

namespace {

constexpr char kProgram[] = "slipway-sim";
constexpr int kReadyTimeoutMs = 120'000, kStopTimeoutMs = 30'000;

Error StartFailed(const std::string& why) {
  return Error{Code::kInternal, "DevClusterFailed",
               "the development cluster did not start: " + why};
}

// Owns posix_spawn's two structures.
struct SpawnPlan {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  SpawnPlan() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }

  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }

  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

// The child gets its own process group, so that Ctrl-C reaches only the host, which drains first.
// The child inherits only standard error and the pipe.
Result<pid_t> Spawn(const std::string& program, const std::vector<std::string>& words, int output) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  SpawnPlan plan;
  posix_spawn_file_actions_addopen(&plan.files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&plan.files, output, 1);
  posix_spawn_file_actions_addclosefrom_np(&plan.files, 3);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &all);
  posix_spawnattr_setpgroup(&plan.attributes, 0);
  posix_spawnattr_setflags(&plan.attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int failed =
      posix_spawn(&pid, program.c_str(), &plan.files, &plan.attributes, argv.data(), environ);
  if (failed != 0) return StartFailed(program + ": " + std::strerror(failed));
  return pid;
}

}  // namespace

ClusterProcess::~ClusterProcess() {
  Stop();
}

Result<std::string> ClusterProcess::Find(const std::string& own_program) {
  const std::string own = std::filesystem::path(own_program).parent_path().string();
  std::vector<std::string> places{own, own + "/../libexec/slipway"};
  const char* path = std::getenv("PATH");
  std::istringstream words(path == nullptr ? "" : path);
  for (std::string place; std::getline(words, place, ':');)
    if (!place.empty()) places.push_back(place);
  for (const std::string& place : places) {
    const std::string program = place + "/" + kProgram;
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return Error{Code::kNotFound, "NoDevCluster",
               std::string("--dev needs the program ") + kProgram +
                   ", the development cluster. It is neither in " + own + " nor in " + own +
                   "/../libexec/slipway nor on PATH; build or install it beside slipwayd"};
}

Result<void> ClusterProcess::Start(const std::string& program,
                                   const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return StartFailed(std::strerror(errno));
  std::vector<std::string> words{program, "--die-with-parent", std::to_string(getpid())};
  words.insert(words.end(), arguments.begin(), arguments.end());
  auto pid = Spawn(program, words, ends[1]);
  close(ends[1]);
  if (pid) {
    pid_ = *pid;
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  }
  Result<void> ready = pid ? AwaitReady(ends[0]) : Result<void>(std::move(pid).error());
  close(ends[0]);
  return ready;
}

// The child prints a single line, when it is ready.
Result<void> ClusterProcess::AwaitReady(int output) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kReadyTimeoutMs);
  for (char buffer[512];;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd one{output, POLLIN, 0};
    if (left.count() <= 0 || poll(&one, 1, static_cast<int>(left.count())) == 0)
      return StartFailed("it was not ready in " + std::to_string(kReadyTimeoutMs / 1000) + " s");
    const ssize_t size = read(output, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return StartFailed(std::string(kProgram) + " " + Reap());
    if (std::memchr(buffer, '\n', static_cast<size_t>(size)) != nullptr) return {};
  }
}

std::string ClusterProcess::Reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (pidfd_ >= 0) close(pidfd_);
  pidfd_ = -1;
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

std::string ClusterProcess::HowItEnded() {
  return std::string(kProgram) + " " + (pid_ > 0 ? Reap() : "ended");
}

void ClusterProcess::Stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  pollfd one{pidfd_, POLLIN, 0};
  if (pidfd_ >= 0 && poll(&one, 1, kStopTimeoutMs) == 0) kill(pid_, SIGKILL);
  Reap();
}

}  // namespace slipway::app
