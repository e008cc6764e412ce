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

// One client connection. It has at most one exchange at a time.
//
// One mutex guards it. No thread holds the mutex while a handler or refusal runs. Threads hold it
// over non-blocking send(2) and shutdown(2): answers, streams and the loop write to the same
// socket, and the descriptor must stay open meanwhile. Only the Pistache worker closes the
// descriptor, after OnDisconnect(). All others call shutdown(2), and the worker then sees the end
// of the stream.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // The form of the answer that one request asks for.
  struct Ticket {
    bool keep_alive = false;
    bool http10 = false;
    bool head_only = false;
  };

  Connection(std::shared_ptr<Hub> hub, uint64_t id, int fd, std::string peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Pistache worker thread.
  void OnInput(std::string_view bytes);
  void OnDisconnect();

  // Loop thread.
  void OnWritable();
  void OnDeadline(int64_t now_ms);
  void Resume();
  // Ends an idle connection and closes its stream. True while it still has something to answer or
  // send.
  bool Drain();
  int64_t deadline_ms() const;  // INT64_MAX: none

  // For the exchange and its stream. Any thread.
  void Answer(const Ticket& ticket, Response response);
  void AnswerRaw(std::string_view raw);
  // Returns the stream's number; 0 when the answer has no body or the client is gone.
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
  // kOrderly: the kernel still delivers the bytes that it holds.
  enum class Manner { kOrderly, kReset };

  void Pump();
  void Dispatch(Lock& lock);
  void RefuseAndClose(Lock& lock, int status, std::string_view reason);
  // The caller holds the mutex for all functions below.
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
  std::atomic<bool> gone_{false};  // disconnected or killed
  static constexpr int64_t kNever = INT64_MAX;
  std::atomic<int64_t> read_deadline_ms_;   // kNever: none
  std::atomic<int64_t> write_deadline_ms_;  // INT64_MAX: none

  mutable std::mutex mutex_;  // guards everything below
  Framer framer_;
  Framer::Phase phase_ = Framer::Phase::kIdle;
  std::string pending_;  // bytes to send, from pending_from_ on
  size_t pending_from_ = 0;
  size_t in_flight_bytes_ = 0;
  size_t discarded_ = 0;
  size_t burst_ = 0;  // bytes and requests since the input last paused
  size_t burst_requests_ = 0;
  int64_t burst_since_ms_ = 0;
  int64_t accounted_ = 0;
  uint64_t stream_ = 0;  // the open stream; 0: none
  uint64_t last_stream_ = 0;
  bool open_ = true;        // we may use the descriptor
  bool fresh_ = true;       // no request yet
  bool pumping_ = false;    // a thread is in Pump()
  bool in_flight_ = false;  // an exchange or a refusal is under way
  bool stream_chunked_ = false;
  bool stream_keep_alive_ = false;
  bool closing_ = false;      // takes no further request; ends after the last byte is sent
  bool abort_after_ = false;  // drops the connection after the last byte is sent
  bool fin_sent_ = false;
  bool input_dropped_ = false;  // we dropped bytes: no more may follow the buffered ones
  bool last_answer_ = false;    // the next answer says "Connection: close"
};

}  // namespace slipway::http
