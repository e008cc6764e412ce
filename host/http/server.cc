#include "http/server.h"

#include <algorithm>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include "http/connection.h"
#include "http/hub.h"
#include "http/socket.h"
#include "http/workers.h"

namespace slipway::http {
namespace {

constexpr int64_t kKillWaitMs = 5000;  // workers only need to see the end of their streams

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

  // May throw when descriptors or threads run out.
  void StartThreads(int listen_fd) {
    workers = std::make_unique<Workers>(options.threads);
    loop = std::thread([this, listen_fd] {
      hub->Run(listen_fd, [this](int client, const std::shared_ptr<Connection>& connection) {
        workers->Adopt(client, connection);
      });
    });
  }

  const Options options;
  Logger& log;
  const std::shared_ptr<Hub> hub;
  std::unique_ptr<Workers> workers;
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
  TRY(const Listening listening, Listen(self.options.address, self.options.port));
  try {
    self.StartThreads(listening.fd);
  } catch (const std::exception& error) {
    ::close(listening.fd);
    self.workers.reset();
    return Error{Code::kUnavailable, "ServerStartFailed", error.what()};
  }
  self.port = listening.port;
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
  self.workers.reset();
  self.hub->DropCallbacks();
  self.log.Info("http.stopped", {{"drained", Json(quiet)}, {"closed", Json(empty)}});
}

}  // namespace slipway::http
