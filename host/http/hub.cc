#include "http/hub.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/connection.h"
#include "http/message.h"
#include "http/socket.h"

namespace slipway::http {
namespace {

constexpr uint64_t kWakeId = 0;
constexpr uint64_t kListenId = 1;
constexpr int kAcceptBatch = 64;
constexpr int64_t kAcceptPauseMs = 100;
constexpr int64_t kStopTickMs = 5;
constexpr int64_t kLogGapMs = 1000;

}  // namespace

Hub::Hub(const Limits& limits, Handler handler, Refusal refusal, Logger& log)
    : limits_(limits),
      handler_(std::move(handler)),
      log_(log),
      refusal_(std::move(refusal)),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeId;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event);
}

Hub::~Hub() {
  ::close(wake_fd_);
  ::close(epoll_fd_);
}

int64_t Hub::TickMs() const {
  if (draining()) return kStopTickMs;
  const int64_t shortest =
      std::min({limits_.head_ms, limits_.body_ms, limits_.idle_ms, limits_.stall_ms});
  return std::clamp<int64_t>(shortest / 4, 5, 250);
}

void Hub::Run(int listen_fd, const Adopt& adopt) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kListenId;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, listen_fd, &event);
  int64_t next_tick = 0;
  Stage seen = Stage::kServing;
  while (stage_.load() != Stage::kStopped) {
    epoll_event ready[64];
    const int count = ::epoll_wait(epoll_fd_, ready, 64, static_cast<int>(TickMs()));
    for (int i = 0; i < count; ++i) {
      const uint64_t id = ready[i].data.u64;
      if (id == kWakeId) {
        uint64_t ignored;
        while (::read(wake_fd_, &ignored, sizeof ignored) > 0) {
        }
      } else if (id == kListenId) {
        if (listen_fd >= 0) Accept(listen_fd, adopt);
      } else {
        std::shared_ptr<Connection> connection;
        {
          std::lock_guard lock(mutex_);
          if (const auto it = registry_.find(id); it != registry_.end()) connection = it->second;
        }
        if (connection) connection->OnWritable();
      }
    }
    if (draining() && listen_fd >= 0) {
      ::close(listen_fd);
      listen_fd = -1;
    }
    RunScheduled();
    const int64_t now = SteadyMs();
    if (now < next_tick && seen == stage_.load()) continue;
    seen = stage_.load();
    next_tick = now + TickMs();
    if (accept_paused_ms_ != 0 && now >= accept_paused_ms_ && listen_fd >= 0) {
      accept_paused_ms_ = 0;
      ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, listen_fd, &event);
    }
    Tick(now);
  }
  if (listen_fd >= 0) ::close(listen_fd);
  // A connection accepted after the last round and the hub still hold each other.
  for (const auto& connection : All()) connection->OnDisconnect();
}

void Hub::Accept(int listen_fd, const Adopt& adopt) {
  for (int i = 0; i < kAcceptBatch; ++i) {
    std::string peer;
    const int fd = AcceptOne(listen_fd, peer);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return;
      // Out of descriptors or buffers: the listener would stay ready all the time.
      log_.Warn("http.accept_failed", {{"errno", Json(errno)}});
      ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, listen_fd, nullptr);
      accept_paused_ms_ = SteadyMs() + kAcceptPauseMs;
      return;
    }
    if (connections_.load() >= limits_.connections) {
      TurnAway(fd);
      continue;
    }
    TuneSocket(fd, limits_.stall_ms);
    const uint64_t id = next_id_++;
    auto connection = std::make_shared<Connection>(shared_from_this(), id, fd, std::move(peer));
    {
      std::lock_guard lock(mutex_);
      registry_.emplace(id, connection);
      connections_.store(registry_.size());
    }
    adopt(fd, connection);
  }
}

void Hub::TurnAway(int fd) {
  Response response = Refuse(503, "TooManyConnections", "");
  HeadOptions options;
  options.now_ms = NowMs();
  options.keep_alive = false;
  options.content_length = response.body.size();
  const std::string text =
      WriteHead(response.status, response.content_type, response.headers, options) + response.body;
  // Best effort: a few hundred bytes fit into a fresh socket's buffer.
  (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd, SHUT_WR);
  ::close(fd);
  if (const int64_t now = SteadyMs(); now >= turned_away_log_ms_) {
    turned_away_log_ms_ = now + kLogGapMs;
    log_.Warn("http.connection_limit", {{"connections", Json(connections())}});
  }
}

std::vector<std::shared_ptr<Connection>> Hub::All() const {
  std::vector<std::shared_ptr<Connection>> all;
  std::lock_guard lock(mutex_);
  all.reserve(registry_.size());
  for (const auto& [id, connection] : registry_) all.push_back(connection);
  return all;
}

void Hub::Tick(int64_t now_ms) {
  const Stage stage = stage_.load();
  if (stage == Stage::kServing) {
    std::vector<std::shared_ptr<Connection>> overdue;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [id, connection] : registry_) {
        if (connection->deadline_ms() <= now_ms) overdue.push_back(connection);
      }
    }
    for (const auto& connection : overdue) connection->OnDeadline(now_ms);
    return;
  }
  bool busy = false;
  for (const auto& connection : All()) {
    if (stage == Stage::kKilling) {
      connection->Kill();
    } else {
      if (connection->deadline_ms() <= now_ms) connection->OnDeadline(now_ms);
      busy = connection->Drain() || busy;
    }
  }
  std::lock_guard lock(mutex_);
  quiet_ = !busy;
  changed_.notify_all();
}

void Hub::RunScheduled() {
  std::vector<std::shared_ptr<Connection>> batch;
  {
    std::lock_guard lock(mutex_);
    batch.swap(scheduled_);
  }
  for (const auto& connection : batch) connection->Resume();
}

void Hub::SetStage(Stage stage) {
  stage_.store(stage);
  const uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);
}

bool Hub::WaitQuiet(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return quiet_; });
}

bool Hub::WaitEmpty(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                           [&] { return registry_.empty(); });
}

void Hub::DropCallbacks() {
  std::unique_lock lock(callbacks_mutex_);
  callbacks_dropped_ = true;
}

void Hub::Handle(const std::shared_ptr<Exchange>& exchange, const std::string& request_id) {
  std::string what;
  try {
    handler_(exchange);
    return;
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
    what = "unknown";
  }
  log_.Error("http.handler_threw", {{"requestId", Json(request_id)}, {"what", Json(what)}});
  exchange->Respond(Refuse(500, "HandlerFailed", request_id));
}

Response Hub::Refuse(int status, std::string_view reason, std::string_view request_id) {
  Response plain;
  plain.status = status;
  std::shared_lock lock(callbacks_mutex_);
  if (callbacks_dropped_ || !refusal_) return plain;
  try {
    Response response = refusal_(status, reason, request_id);
    return response;
  } catch (const std::exception& error) {
    log_.Error("http.refusal_threw", {{"what", Json(error.what())}});
  } catch (...) {
    log_.Error("http.refusal_threw");
  }
  return plain;
}

void Hub::LogDrop(std::string_view why, std::string_view peer) {
  std::shared_lock lock(callbacks_mutex_);
  if (callbacks_dropped_) return;
  log_.Debug("http.dropped", {{"why", Json(std::string(why))}, {"peer", Json(std::string(peer))}});
}

bool Hub::WantWrite(uint64_t id, int fd) {
  epoll_event event{};
  event.events = EPOLLOUT | EPOLLONESHOT;
  event.data.u64 = id;
  return ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0 ||
         ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Hub::ForgetWrite(int fd) {
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

void Hub::Schedule(std::shared_ptr<Connection> connection) {
  {
    std::lock_guard lock(mutex_);
    scheduled_.push_back(std::move(connection));
  }
  const uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);
}

bool Hub::Account(int64_t delta) {
  const int64_t held = held_bytes_.fetch_add(delta) + delta;
  return delta <= 0 || held <= static_cast<int64_t>(limits_.total_bytes);
}

void Hub::Remove(uint64_t id) {
  std::shared_ptr<Connection> last;  // destroyed outside the lock
  std::lock_guard lock(mutex_);
  if (const auto it = registry_.find(id); it != registry_.end()) {
    last = std::move(it->second);
    registry_.erase(it);
  }
  connections_.store(registry_.size());
  changed_.notify_all();
}

}  // namespace slipway::http
