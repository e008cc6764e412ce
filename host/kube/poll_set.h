#pragma once

#include <cstdint>
#include <vector>

namespace slipway::kube {

// The descriptors that a thread waits for. An HTTP client withdraws and renews its wish with every
// request; so an adopted descriptor stays registered until an event nobody wants any more arrives.
// One thread uses it, except for Wake().
class PollSet {
 public:
  enum : uint32_t { kRead = 1, kWrite = 2, kFailed = 4 };

  struct Ready {
    int fd = -1;
    uint32_t events = 0;
    void* owner = nullptr;
  };

  PollSet();
  ~PollSet();
  PollSet(const PollSet&) = delete;
  PollSet& operator=(const PollSet&) = delete;

  void Want(int fd, uint32_t events, void* owner);  // 0: no event for now
  void Adopt(int fd);                               // just opened; call Forget() later
  void Forget(int fd);                              // just before it is closed
  // Waits until an event, Wake() or the time-out. The answer lives until the next call.
  const std::vector<Ready>& Wait(int timeout_ms);
  // Whether the same owner still wants this event, after others were handled.
  bool StillWanted(const Ready& ready) const;
  void Wake() const;  // any thread

 private:
  struct Entry {
    void* owner = nullptr;
    uint32_t wanted = 0, registered = 0;
    bool adopted = false;
  };

  Entry& At(int fd);
  void Register(int fd, Entry& entry);

  int epoll_fd_ = -1, wake_fd_ = -1;
  std::vector<Entry> entries_;  // by descriptor
  std::vector<Ready> ready_;
};

}  // namespace slipway::kube
