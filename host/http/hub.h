#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "http/server.h"

namespace slipway::http {

class Connection;

// The connections of one server share a hub. It has their registry, the callbacks and the memory
// budget. Its loop accepts connections, continues writes, watches deadlines and resumes pipelined
// input.
//
// Threads: one thread runs Run() ("the loop"); any thread may call the rest. An unanswered exchange
// may outlive the server. It then keeps the hub alive, without its callbacks.
class Hub : public std::enable_shared_from_this<Hub> {
 public:
  enum class Stage { kServing, kDraining, kKilling, kStopped };
  // Gives an accepted, registered connection to a worker. Loop thread.
  using Adopt = std::function<void(int fd, const std::shared_ptr<Connection>&)>;

  Hub(const Limits& limits, Handler handler, Refusal refusal, Logger& log);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Loop thread. Takes ownership of `listen_fd`; returns in stage kStopped.
  void Run(int listen_fd, const Adopt& adopt);
  void SetStage(Stage stage);
  // False after timeout_ms: a request is still unanswered, half sent or half read.
  bool WaitQuiet(int64_t timeout_ms);
  // False after timeout_ms: a connection is still open.
  bool WaitEmpty(int64_t timeout_ms);
  // No callback runs after this returns.
  void DropCallbacks();

  // For connections.
  const Limits& limits() const { return limits_; }

  int64_t SteadyMs() const { return clock_.SteadyMs(); }

  int64_t NowMs() const { return clock_.NowMs(); }

  bool draining() const { return stage_.load() != Stage::kServing; }

  size_t connections() const { return connections_.load(); }

  // Runs the handler. If the handler throws, logs it and answers 500. I/O threads.
  void Handle(const std::shared_ptr<Exchange>& exchange, const std::string& request_id);
  Response Refuse(int status, std::string_view reason, std::string_view request_id);
  void LogDrop(std::string_view why, std::string_view peer);
  // Asks for one EPOLLOUT for the connection. False when the kernel refuses.
  bool WantWrite(uint64_t id, int fd);
  void ForgetWrite(int fd);
  // Makes the loop call Pump(), so that a handler never runs on an answering thread.
  void Schedule(std::shared_ptr<Connection> connection);
  // Adds to the bytes held for all connections. False above the limit.
  bool Account(int64_t delta);
  void Remove(uint64_t id);

 private:
  void Accept(int listen_fd, const Adopt& adopt);
  void TurnAway(int fd);
  void Tick(int64_t now_ms);
  void RunScheduled();
  int64_t TickMs() const;
  std::vector<std::shared_ptr<Connection>> All() const;

  const Limits limits_;
  const Handler handler_;
  const SystemClock clock_;
  Logger& log_;
  std::shared_mutex callbacks_mutex_;  // shared during a refusal, so that DropCallbacks waits
  Refusal refusal_;
  bool callbacks_dropped_ = false;
  int epoll_fd_;
  int wake_fd_;
  std::atomic<Stage> stage_{Stage::kServing};
  std::atomic<size_t> connections_{0};
  std::atomic<int64_t> held_bytes_{0};

  mutable std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> registry_;
  std::vector<std::shared_ptr<Connection>> scheduled_;  // at most once each
  bool quiet_ = false;

  uint64_t next_id_ = 16;         // this and the following: loop thread only
  int64_t accept_paused_ms_ = 0;  // we ran out of descriptors: no accept until then
  int64_t turned_away_log_ms_ = 0;
};

}  // namespace slipway::http
