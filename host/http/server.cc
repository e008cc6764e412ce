#include "http/server.h"

#include <algorithm>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include <pistache/listener.h>
#include <pistache/peer.h>
#include <pistache/reactor.h>
#include <pistache/tcp.h>
#include <pistache/transport.h>

#include "http/connection.h"
#include "http/hub.h"
#include "http/socket.h"

namespace slipway::http {
namespace {

namespace tcp = Pistache::Tcp;

constexpr const char* kDataKey = "c";
constexpr int64_t kKillWaitMs = 5000;  // workers only have to see the end of their streams

// All that Pistache's workers do for us: read, and say when a client has gone. Its callbacks must
// not throw, a worker would end the process.
class Reader final : public tcp::Handler {
  PROTOTYPE_OF(tcp::Handler, Reader)

 public:
  // `hand_over` is held while a peer is being given to a worker, which may be quicker: Pistache
  // must have finished adding a peer before it uses or removes it.
  explicit Reader(std::shared_ptr<std::mutex> hand_over) : hand_over_(std::move(hand_over)) {}

  void onConnection(const std::shared_ptr<tcp::Peer>&) override {
    std::lock_guard wait(*hand_over_);
  }

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

  std::shared_ptr<std::mutex> hand_over_;
};

Limits Lowered(Limits limits) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
    limits.connections = std::min<size_t>(limits.connections, files.rlim_cur / 10 * 8);
  }
  return limits;
}

}  // namespace

struct Server::Impl {
  Impl(Options options_in, Handler handler, Refusal refusal, Logger& log_in)
      : options(std::move(options_in)),
        log(log_in),
        hub(std::make_shared<Hub>(Lowered(options.limits), std::move(handler), std::move(refusal),
                                  log_in)) {}

  void Adopt(int fd, const std::shared_ptr<Connection>& connection) {
    const auto& worker = workers[next_worker++ % workers.size()];
    std::lock_guard lock(*hand_over);
    const auto peer = tcp::Peer::Create(fd, Pistache::Address());
    peer->putData(kDataKey, connection);
    std::static_pointer_cast<tcp::Transport>(worker)->handleNewPeer(peer);
  }

  // May throw when descriptors or threads run out.
  void StartThreads(int listen_fd) {
    reactor = Pistache::Aio::Reactor::create();
    reactor->init(Pistache::Aio::AsyncContext(std::max<size_t>(1, options.threads), "http"));
    const auto key =
        reactor->addHandler(std::make_shared<tcp::Transport>(std::make_shared<Reader>(hand_over)));
    workers = reactor->handlers(key);
    reactor->run();
    loop = std::thread([this, listen_fd] {
      hub->Run(listen_fd, [this](int client, const std::shared_ptr<Connection>& connection) {
        Adopt(client, connection);
      });
    });
  }

  const Options options;
  Logger& log;
  const std::shared_ptr<Hub> hub;
  const std::shared_ptr<std::mutex> hand_over = std::make_shared<std::mutex>();
  std::shared_ptr<Pistache::Aio::Reactor> reactor;
  std::vector<std::shared_ptr<Pistache::Aio::Handler>> workers;
  size_t next_worker = 0;  // loop only
  std::thread loop;
  uint16_t port = 0;
  bool running = false;
};

Server::Server(Options options, Handler handler, Refusal refusal, Logger& log)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler), std::move(refusal),
                                   log)) {}

Server::~Server() {
  Stop(0);
}

Result<void> Server::Start() {
  Impl& self = *impl_;
  const Result<Listening> listening = Listen(self.options.address, self.options.port);
  if (!listening) return listening.error();  // TRY is Pistache's macro here
  try {
    self.StartThreads((*listening).fd);
  } catch (const std::exception& error) {
    ::close((*listening).fd);
    self.workers.clear();
    self.reactor.reset();
    return Error{Code::kUnavailable, "ServerStartFailed", error.what()};
  }
  self.port = (*listening).port;
  self.running = true;
  self.log.Info("http.listening", {{"address", Json(self.options.address)},
                                   {"port", Json(self.port)},
                                   {"connections", Json(self.hub->limits().connections)}});
  return {};
}

uint16_t Server::port() const {
  return impl_->port;
}

size_t Server::connections() const {
  return impl_->hub->connections();
}

void Server::Stop(int64_t drain_ms) {
  Impl& self = *impl_;
  if (!self.running) return;
  self.running = false;
  self.hub->SetStage(Hub::Stage::kDraining);
  const bool quiet = self.hub->WaitQuiet(drain_ms);
  self.hub->SetStage(Hub::Stage::kKilling);
  const bool empty = self.hub->WaitEmpty(kKillWaitMs);
  self.hub->SetStage(Hub::Stage::kStopped);
  self.loop.join();
  self.reactor->shutdown();
  self.workers.clear();
  self.reactor.reset();  // joins the workers
  self.hub->DropCallbacks();
  self.log.Info("http.stopped", {{"drained", Json(quiet)}, {"closed", Json(empty)}});
}

}  // namespace slipway::http
