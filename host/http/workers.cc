#include "http/workers.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <mutex>
#include <string_view>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <pistache/peer.h>
#include <pistache/reactor.h>
#include <pistache/tcp.h>
#include <pistache/transport.h>

namespace slipway::http {
namespace {

namespace aio = Pistache::Aio;
namespace polling = Pistache::Polling;
namespace tcp = Pistache::Tcp;

constexpr const char* kDataKey = "c";

// Its callbacks must not throw: an exception in a worker would end the process.
class Reader final : public tcp::Handler {
  PROTOTYPE_OF(tcp::Handler, Reader)

 public:
  void onInput(const char* data, size_t size, const std::shared_ptr<tcp::Peer>& peer) override {
    if (Connection* connection = Of(peer)) connection->OnInput(std::string_view(data, size));
  }

  void onDisconnection(const std::shared_ptr<tcp::Peer>& peer) override {
    if (Connection* connection = Of(peer)) connection->OnDisconnect();
  }

 private:
  static Connection* Of(const std::shared_ptr<tcp::Peer>& peer) {
    return static_cast<Connection*>(peer->tryGetData(kDataKey).get());
  }
};

polling::Event EventOf(const aio::FdSet::Entry& entry) {
  polling::Event event(entry.getTag());
  if (entry.isReadable()) event.flags.setFlag(polling::NotifyOn::Read);
  if (entry.isWritable()) event.flags.setFlag(polling::NotifyOn::Write);
  if (entry.isHangup()) event.flags.setFlag(polling::NotifyOn::Hangup);
  return event;
}

// One thread. It has its own queue for new sockets, because Pistache's queue may lose one: the
// reader finds the queue empty and only then clears the wake-up, which may belong to an entry that
// has just arrived.
class Worker final : public tcp::Transport {
 public:
  Worker()
      : tcp::Transport(std::make_shared<Reader>()),
        wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        wake_tag_(static_cast<uint64_t>(wake_fd_)) {
    if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }

  // Pistache closes a client's socket only when it sees the client go.
  ~Worker() override {
    for (const auto& arrival : arrivals_) ::close(arrival.first);
    for (const auto& peer : peers) ::close(peer.first);
    ::close(wake_fd_);
  }

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  std::shared_ptr<aio::Handler> clone() const override { return std::make_shared<Worker>(); }

  void registerPoller(polling::Epoll& poller) override {
    tcp::Transport::registerPoller(poller);
    poller.addFd(wake_fd_, Pistache::Flags<polling::NotifyOn>(polling::NotifyOn::Read), wake_tag_);
  }

  void onReady(const aio::FdSet& fds) override {
    const auto woken = [&](const aio::FdSet::Entry& entry) { return entry.getTag() == wake_tag_; };
    if (std::none_of(fds.begin(), fds.end(), woken)) return tcp::Transport::onReady(fds);
    std::vector<polling::Event> others;
    for (const auto& entry : fds) {
      if (!woken(entry)) others.push_back(EventOf(entry));
    }
    tcp::Transport::onReady(aio::FdSet(std::move(others)));
    TakeArrivals();
  }

  void Adopt(int fd, std::shared_ptr<Connection> connection) {
    {
      std::lock_guard lock(mutex_);
      arrivals_.emplace_back(fd, std::move(connection));
    }
    const uint64_t one = 1;
    (void)!::write(wake_fd_, &one, sizeof one);
  }

 private:
  // Runs on the worker's own thread, so Pistache adds a peer at once, before it reads or removes
  // it.
  void TakeArrivals() {
    uint64_t ignored;
    while (::read(wake_fd_, &ignored, sizeof ignored) > 0) {
    }
    std::vector<std::pair<int, std::shared_ptr<Connection>>> arrivals;
    {
      std::lock_guard lock(mutex_);
      arrivals.swap(arrivals_);
    }
    for (const auto& [fd, connection] : arrivals) {
      try {
        const auto peer = tcp::Peer::Create(fd, Pistache::Address());
        peer->putData(kDataKey, connection);
        handleNewPeer(peer);
      } catch (const std::exception&) {  // out of memory or watches: only this client is dropped
        peers.erase(fd);
        connection->OnDisconnect();
        ::close(fd);
      }
    }
  }

  const int wake_fd_;
  const polling::Tag wake_tag_;
  std::mutex mutex_;
  std::vector<std::pair<int, std::shared_ptr<Connection>>> arrivals_;  // guarded by mutex_
};

}  // namespace

struct Workers::Impl {
  std::shared_ptr<aio::Reactor> reactor = aio::Reactor::create();
  std::vector<std::shared_ptr<Worker>> workers;
  size_t next = 0;
};

Workers::Workers(size_t threads) : impl_(std::make_unique<Impl>()) {
  aio::Reactor& reactor = *impl_->reactor;
  reactor.init(aio::AsyncContext(std::max<size_t>(1, threads), "http"));
  for (const auto& handler : reactor.handlers(reactor.addHandler(std::make_shared<Worker>())))
    impl_->workers.push_back(std::static_pointer_cast<Worker>(handler));
  reactor.run();
}

Workers::~Workers() {
  impl_->reactor->shutdown();
  impl_->workers.clear();
  impl_->reactor.reset();  // joins the threads
}

void Workers::Adopt(int fd, std::shared_ptr<Connection> connection) {
  Impl& self = *impl_;
  self.workers[self.next++ % self.workers.size()]->Adopt(fd, std::move(connection));
}

}  // namespace slipway::http
