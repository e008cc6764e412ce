#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <poll.h>

namespace slipway::connect {

// The latest end of a login. Immutable.
class Deadline {
 public:
  explicit Deadline(int64_t timeout_ms)
      : end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms)) {}

  int LeftMs() const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX));
  }

  // Waits for `events`. Returns the events that came (also POLLERR, POLLHUP); 0 after the deadline.
  short WaitFor(int fd, short events) const {
    const int left_ms = LeftMs();
    if (left_ms == 0) return 0;
    pollfd entry{fd, events, 0};
    return ::poll(&entry, 1, left_ms) > 0 ? entry.revents : short{0};
  }

 private:
  const std::chrono::steady_clock::time_point end_;
};

}  // namespace slipway::connect
