#include "devcluster/operators/process.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace slipway::sim::operators {

namespace {

// The descriptor of a program's mark. Its children inherit the mark under the same number.
constexpr int kMark = 3;

Error SystemError(const std::string& what) {
  return Error{Code::kInternal, "SystemCallFailed", what + ": " + std::strerror(errno)};
}

// Between fork and exec we make system calls only: another thread's lock may be held for ever.
[[noreturn]] void Child(char* const* argv, char* const* envp, int program, int input, int output,
                        const Command& command, pid_t parent) {
  setsid();
  const Account& account = command.account;
  if (account.change) {
    if (syscall(SYS_setgroups, 0, nullptr) != 0 || syscall(SYS_setgid, account.gid) != 0 ||
        syscall(SYS_setuid, account.uid) != 0)
      _exit(126);
  }
  // Set it after the change of user, which would clear it.
  prctl(PR_SET_PDEATHSIG, command.death_signal);
  if (getppid() != parent) _exit(126);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGHUP, SIGCHLD})
    signal(number, SIG_DFL);
  if (chdir("/") != 0) _exit(126);
  dup2(input, 0);
  dup2(output, 1);
  dup2(output, 2);
  if (command.mark == kMark)
    fcntl(kMark, F_SETFD, 0);
  else if (command.mark >= 0)
    dup2(command.mark, kMark);
  syscall(SYS_close_range, command.mark < 0 ? 3U : kMark + 1U, ~0U, CLOSE_RANGE_CLOEXEC);
  execve(argv[0], argv, envp);
  // The account may be allowed to run the program but unable to reach it, for example in a home
  // directory.
  if (errno == EACCES) syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
  _exit(127);
}

// Returns a descriptor from which the text can be read.
Result<int> Input(const std::string& text) {
  const int fd = text.empty() ? open("/dev/null", O_RDONLY | O_CLOEXEC)
                              : memfd_create("slipway-input", MFD_CLOEXEC);
  if (fd < 0) return SystemError("open the input");
  for (size_t done = 0; done < text.size();) {
    const ssize_t size =
        pwrite(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (size <= 0) {
      close(fd);
      return SystemError("write the input");
    }
    done += static_cast<size_t>(size);
  }
  return fd;
}

Result<pid_t> Fork(const Command& command, int output) {
  std::vector<char*> argv;
  for (const std::string& word : command.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const char* const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", "PGCONNECT_TIMEOUT=5", nullptr};
  TRY(const int input, Input(command.input));
  // The child uses the low numbers itself, so this one must be higher.
  const int found = open(argv[0], O_PATH | O_CLOEXEC);
  const int program = found < 0 ? -1 : fcntl(found, F_DUPFD_CLOEXEC, kMark + 1);
  if (found >= 0) close(found);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0)
    Child(argv.data(), const_cast<char* const*>(env), program, input, output, command, parent);
  close(input);
  if (program >= 0) close(program);
  if (pid < 0) return SystemError("fork");
  return pid;
}

int64_t SteadyMs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

// Descriptors of the processes that have the file as their mark, except ours.
std::vector<pollfd> Marked(const struct stat& file) {
  std::vector<pollfd> out;
  DIR* const processes = opendir("/proc");
  if (processes == nullptr) return out;
  while (const dirent* entry = readdir(processes)) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid <= 1 || pid == getpid()) continue;
    const int fd = OpenPidfd(pid);  // first, so that we signal the process that we looked at

    struct stat other {};

    const std::string mark = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(kMark);
    const bool marked = fd >= 0 && stat(mark.c_str(), &other) == 0 && other.st_dev == file.st_dev &&
                        other.st_ino == file.st_ino;
    if (marked)
      out.push_back({fd, POLLIN, 0});
    else if (fd >= 0)
      close(fd);
  }
  closedir(processes);
  return out;
}

}  // namespace

Account Account::ForDatabases() {
  if (geteuid() != 0) return {geteuid(), getegid(), false};
  for (const char* name : {"postgres", "nobody"}) {
    char buffer[4096];
    passwd entry{};
    passwd* found = nullptr;
    if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr)
      return {entry.pw_uid, entry.pw_gid, true};
  }
  return {65534, 65534, true};
}

bool Account::CanReach(const std::string& path) const {
  if (!change) return true;
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);

    struct stat info {};

    if (stat(part.c_str(), &info) != 0) return errno == ENOENT;
    const mode_t bit = info.st_uid == uid ? S_IXUSR : info.st_gid == gid ? S_IXGRP : S_IXOTH;
    if ((info.st_mode & bit) == 0) return false;
    if (slash == std::string::npos) return true;
  }
}

Result<void> Account::Own(const std::string& path) const {
  if (change && lchown(path.c_str(), uid, gid) != 0) return SystemError("chown " + path);
  return {};
}

Result<pid_t> Spawn(const Command& command) {
  const std::string file = command.output_file.empty() ? "/dev/null" : command.output_file;
  const int output = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (output < 0) return SystemError("open " + file);
  auto pid = Fork(command, output);
  close(output);
  return pid;
}

Result<void> RunToEnd(const Command& command, int64_t timeout_ms, int cancel_fd) {
  TRY_VOID(RunForOutput(command, timeout_ms, cancel_fd));
  return {};
}

Result<std::string> RunForOutput(const Command& command, int64_t timeout_ms, int cancel_fd) {
  constexpr size_t kMaxOutput = 1 << 20;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("pipe");
  auto pid = Fork(command, ends[1]);
  close(ends[1]);
  if (!pid) {
    close(ends[0]);
    return std::move(pid).error();
  }
  std::string output;
  Code stop = Code::kInternal;
  bool open = true;
  const int64_t start = SteadyMs();
  while (open) {
    const int64_t left = timeout_ms - (SteadyMs() - start);
    pollfd fds[2] = {{ends[0], POLLIN, 0}, {cancel_fd, POLLIN, 0}};
    if (left <= 0 || poll(fds, cancel_fd < 0 ? 1 : 2, static_cast<int>(left)) == 0 ||
        (cancel_fd >= 0 && fds[1].revents != 0)) {
      stop = left <= 0 || fds[1].revents == 0 ? Code::kDeadline : Code::kCancelled;
      kill(-*pid, SIGKILL);
      kill(*pid, SIGKILL);
      break;
    }
    char buffer[4096];
    const ssize_t size = read(ends[0], buffer, sizeof buffer);
    if (size <= 0) open = false;
    if (size > 0) output.append(buffer, static_cast<size_t>(size));
    if (output.size() > kMaxOutput) output.erase(0, output.size() - kMaxOutput / 2);
  }
  close(ends[0]);
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (open) return Error{stop, "ProgramStopped", command.argv[0] + " was stopped"};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  if (output.size() > 1000) output.erase(0, output.size() - 1000);
  return Error{Code::kInternal, "ProgramFailed", command.argv[0] + ": " + output};
}

int OpenPidfd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

bool WaitGone(pid_t pid, int64_t timeout_ms) {
  const int fd = OpenPidfd(pid);
  if (fd < 0) return true;
  pollfd one{fd, POLLIN, 0};
  const bool gone = poll(&one, 1, static_cast<int>(timeout_ms)) > 0;
  close(fd);
  return gone;
}

Result<void> EndMarked(int mark) {
  constexpr int64_t kGraceMs = 3000, kTimeoutMs = 30'000;

  struct stat file {};

  if (fstat(mark, &file) != 0) return SystemError("stat the mark");
  const int64_t start = SteadyMs();
  while (flock(mark, LOCK_EX | LOCK_NB) != 0) {
    const int64_t passed = SteadyMs() - start;
    if (passed > kTimeoutMs)
      return Error{Code::kUnavailable, "ProgramsDoNotEnd",
                   "programs of an earlier life do not end"};
    // Most of them have already received the signal of their parent's death.
    std::vector<pollfd> programs = Marked(file);
    if (passed >= kGraceMs)
      for (const pollfd& one : programs)
        syscall(SYS_pidfd_send_signal, one.fd, SIGKILL, nullptr, 0);
    const int64_t wait = programs.empty() ? 10 : passed < kGraceMs ? kGraceMs - passed : 1000;
    poll(programs.data(), programs.size(), static_cast<int>(wait));
    for (const pollfd& one : programs) close(one.fd);
  }
  return {};
}

}  // namespace slipway::sim::operators
