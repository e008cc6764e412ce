#pragma once

#include <cstdint>
#include <vector>

namespace slipway::kube {

// Descriptors to wait for. An adopted one's wish that is withdrawn stays registered until an event
// shows that it matters: an HTTP client withdraws and renews it with every request.
// Confined to one thread but for Wake().
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

  void Want(int fd, uint32_t events, void* owner);  // 0: nothing for now
  void Adopt(int fd);                               // just opened; Forget() will be called for it
  void Forget(int fd);                              // just before it is closed
  // Waits for at most so long or until Wake(); the answer lives until the next call.
  const std::vector<Ready>& Wait(int timeout_ms);
  // An event was handled before this one: is it still wanted, and by the same owner?
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
