#include "devcluster/file_lock.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace slipway::sim {

namespace {

constexpr int kRetryMs = 10;

pid_t HolderOf(int fd) {
  char text[32] = {};
  const ssize_t size = pread(fd, text, sizeof text - 1, 0);
  return size > 0 ? static_cast<pid_t>(std::atoi(text)) : 0;
}

// Waits until the holder has ended; waits only a moment when the holder is not known.
void AwaitEnd(pid_t pid, int wait_ms) {
  const int fd = pid > 1 ? static_cast<int>(syscall(SYS_pidfd_open, pid, 0)) : -1;
  pollfd one{fd, POLLIN, 0};
  poll(&one, 1, fd < 0 ? kRetryMs : wait_ms);
  // The kernel may close the files of a process a moment before or after its end can be seen.
  if (fd >= 0) close(fd);
}

}  // namespace

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

Result<void> FileLock::Take(const std::string& path, int64_t wait_ms) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::milliseconds(wait_ms);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Error{Code::kInvalid, "BadLockFile", path + ": " + std::strerror(errno)};
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const pid_t holder = HolderOf(fd);
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0 || holder == getpid()) {
      close(fd);
      return Error{Code::kUnavailable, "DataDirectoryInUse",
                   path + " is held by process " + std::to_string(holder)};
    }
    AwaitEnd(holder, static_cast<int>(left));
  }
  const std::string text = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text.data(), text.size(), 0) < 0) {
    close(fd);
    return Error{Code::kInternal, "BadLockFile", path + ": " + std::strerror(errno)};
  }
  fd_ = fd;
  return {};
}

}  // namespace slipway::sim
