#include "sim/operators/process.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/operators/files.h"

namespace slipway::sim::operators {

namespace {

Error SystemError(const std::string& what) {
  return Error{Code::kInternal, "SystemCallFailed", what + ": " + std::strerror(errno)};
}

// Between fork and exec only system calls: other threads' locks may be held for ever.
[[noreturn]] void Child(char* const* argv, char* const* envp, int input, int output,
                        const Account& account, pid_t parent) {
  setsid();
  if (account.change) {
    if (syscall(SYS_setgroups, 0, nullptr) != 0 || syscall(SYS_setgid, account.gid) != 0 ||
        syscall(SYS_setuid, account.uid) != 0)
      _exit(126);
  }
  // After the change of user, which would clear it.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
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
  syscall(SYS_close_range, 3U, ~0U, 0U);
  execve(argv[0], argv, envp);
  _exit(127);
}

// A descriptor to read the text from.
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
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0)
    Child(argv.data(), const_cast<char* const*>(env), input, output, command.account, parent);
  close(input);
  if (pid < 0) return SystemError("fork");
  return pid;
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
  timespec start{};
  clock_gettime(CLOCK_MONOTONIC, &start);
  while (open) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t left = timeout_ms - ((now.tv_sec - start.tv_sec) * 1000 +
                                       (now.tv_nsec - start.tv_nsec) / 1'000'000);
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

void EndLeftover(const std::string& pid_file, const std::string& program,
                 const std::string& argument) {
  const int pid = std::atoi(ReadFile(pid_file).c_str());
  if (pid <= 1) return;
  const std::string command = ReadFile("/proc/" + std::to_string(pid) + "/cmdline");
  if (command.substr(0, command.find('\0')).find(program) == std::string::npos ||
      command.find('\0' + argument + '\0') == std::string::npos)
    return;
  kill(pid, SIGQUIT);
  if (WaitGone(pid, 5000)) return;
  kill(pid, SIGKILL);
  WaitGone(pid, 5000);
}

}  // namespace slipway::sim::operators
