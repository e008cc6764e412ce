#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "http/framing.h"
#include "http/hub.h"
#include "http/server.h"

namespace slipway::http {

// One client: its bytes in, its bytes out, at most one exchange at a time.
//
// Guarded by one mutex, which is not held while a handler or refusal runs. It is held over
// non-blocking send(2) and shutdown(2): answers, streams and the loop write the same socket, and
// the descriptor must not be closed in between. Only the Pistache worker closes it, after
// OnDisconnect(); everybody else ends a connection with shutdown(2) and lets the worker see the end
// of the stream.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // How one request wants to be answered.
  struct Ticket {
    bool keep_alive = false;
    bool http10 = false;
    bool head_only = false;
  };

  Connection(std::shared_ptr<Hub> hub, uint64_t id, int fd, std::string peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Its Pistache worker.
  void OnInput(std::string_view bytes);
  void OnDisconnect();

  // The loop.
  void OnWritable();
  void OnDeadline(int64_t now_ms);
  void Resume();
  // Ends what is idle and closes streams; true while something is still to be answered or sent.
  bool Drain();
  int64_t deadline_ms() const;  // INT64_MAX: none

  // The exchange and its stream, any thread.
  void Answer(const Ticket& ticket, Response response);
  void AnswerRaw(std::string_view raw);
  // The stream's number, 0 when there is nothing to write to.
  uint64_t StartStream(const Ticket& ticket, int status, std::string_view content_type,
                       const Pairs& headers);
  bool WriteStream(uint64_t stream, std::string_view data);
  void CloseStream(uint64_t stream);
  void AbortStream(uint64_t stream);
  bool StreamOpen(uint64_t stream) const;

  bool gone() const { return gone_.load(); }

  void Kill();  // no-op when closed

  Hub& hub() const { return *hub_; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  // kOrderly lets the kernel deliver what it has been given.
  enum class Manner { kOrderly, kReset };

  void Pump();
  void Dispatch(Lock& lock);
  void RefuseAndClose(Lock& lock, int status, std::string_view reason);
  // All below: mutex held.
  bool Send(std::string_view head, std::string_view body, size_t backlog_limit);
  bool SendNow(std::string_view& head, std::string_view& body);
  void Flush();
  void Settle();
  void KillLocked(std::string_view why, Manner manner = Manner::kOrderly);
  void CloseStreamLocked();
  void ArmRead();
  void Account();
  bool Floods(size_t bytes);

  const std::shared_ptr<Hub> hub_;
  const uint64_t id_;
  const int fd_;
  const std::string peer_;
  std::atomic<bool> gone_{false};           // disconnected or killed
  std::atomic<int64_t> read_deadline_ms_;   // INT64_MAX: none
  std::atomic<int64_t> write_deadline_ms_;  // INT64_MAX: none

  mutable std::mutex mutex_;  // everything below
  Framer framer_;
  Framer::Phase phase_ = Framer::Phase::kIdle;
  std::string pending_;  // to send, from pending_from_
  size_t pending_from_ = 0;
  size_t in_flight_bytes_ = 0;
  size_t discarded_ = 0;
  size_t burst_ = 0;  // bytes and requests since the input last paused
  size_t burst_requests_ = 0;
  int64_t burst_since_ms_ = 0;
  int64_t accounted_ = 0;
  uint64_t stream_ = 0;  // open one, or 0
  uint64_t last_stream_ = 0;
  bool open_ = true;        // descriptor is ours to use
  bool fresh_ = true;       // no request yet
  bool pumping_ = false;    // one thread is in Pump()
  bool in_flight_ = false;  // an exchange or a refusal is being made
  bool stream_chunked_ = false;
  bool stream_keep_alive_ = false;
  bool closing_ = false;      // no further request; end when all is sent
  bool abort_after_ = false;  // end without manners when all is sent
  bool fin_sent_ = false;
  bool input_dropped_ = false;  // bytes were thrown away: nothing may follow what is buffered
  bool last_answer_ = false;    // the next answer says "Connection: close"
};

}  // namespace slipway::http
