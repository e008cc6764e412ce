#include "kube/poll_set.h"

#include <array>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace slipway::kube {

PollSet::PollSet()
    : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // edge-triggered, so nobody must read the counter
  event.data.fd = wake_fd_;
  epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event);
}

PollSet::~PollSet() {
  ::close(wake_fd_);
  ::close(epoll_fd_);
}

void PollSet::Register(int fd, Entry& entry) {
  if (entry.registered == entry.wanted) return;
  epoll_event event{};
  if ((entry.wanted & kRead) != 0) event.events |= EPOLLIN;
  if ((entry.wanted & kWrite) != 0) event.events |= EPOLLOUT;
  event.data.fd = fd;
  int op = EPOLL_CTL_MOD;
  if (entry.wanted == 0) op = EPOLL_CTL_DEL;
  if (entry.registered == 0) op = EPOLL_CTL_ADD;
  (void)epoll_ctl(epoll_fd_, op, fd, &event);
  entry.registered = entry.wanted;
}

PollSet::Entry& PollSet::At(int fd) {
  const auto index = static_cast<size_t>(fd);
  if (index >= entries_.size()) entries_.resize(index + 16);
  return entries_[index];
}

void PollSet::Want(int fd, uint32_t events, void* owner) {
  Entry& entry = At(fd);
  entry.owner = owner;
  entry.wanted = events;
  if (events != 0 || !entry.adopted) Register(fd, entry);
}

void PollSet::Adopt(int fd) {
  At(fd) = {};
  At(fd).adopted = true;
}

void PollSet::Forget(int fd) {
  Entry& entry = At(fd);
  entry.wanted = 0;
  Register(fd, entry);
  entry = {};
}

const std::vector<PollSet::Ready>& PollSet::Wait(int timeout_ms) {
  std::array<epoll_event, 64> events;
  ready_.clear();
  const int n = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    const int fd = event.data.fd;
    if (fd == wake_fd_) continue;
    Entry& entry = entries_[static_cast<size_t>(fd)];
    if (entry.wanted == 0) {
      Register(fd, entry);
      continue;
    }
    uint32_t bits = 0;
    if ((event.events & (EPOLLIN | EPOLLHUP)) != 0) bits |= kRead;
    if ((event.events & EPOLLOUT) != 0) bits |= kWrite;
    if ((event.events & EPOLLERR) != 0) bits |= kFailed;
    ready_.push_back({fd, bits, entry.owner});
  }
  return ready_;
}

bool PollSet::StillWanted(const Ready& ready) const {
  const Entry& entry = entries_[static_cast<size_t>(ready.fd)];
  return entry.wanted != 0 && entry.owner == ready.owner;
}

void PollSet::Wake() const {
  const uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);
}

}  // namespace slipway::kube
