#include "http/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "http/exchange.h"
#include "http/message.h"

namespace slipway::http {
namespace {

constexpr size_t kPipelineBytes = 64 * 1024;  // that wait behind the request in flight
constexpr size_t kDiscardBytes = 4u << 20;    // read and dropped after the last answer
constexpr size_t kFloodCheckBytes = 64 * 1024;
constexpr int64_t kFloodMs = 200;          // longest input without a pause: it occupies its worker
constexpr size_t kInlineBody = 16 * 1024;  // copied behind the head for a single send

}  // namespace

Connection::Connection(std::shared_ptr<Hub> hub, uint64_t id, int fd, std::string peer)
    : hub_(std::move(hub)),
      id_(id),
      fd_(fd),
      peer_(std::move(peer)),
      read_deadline_ms_(hub_->SteadyMs() + hub_->limits().head_ms),
      write_deadline_ms_(kNever),
      framer_(hub_->limits()) {}

Connection::~Connection() {
  if (accounted_ != 0) hub_->Account(-accounted_);
}

int64_t Connection::deadline_ms() const {
  return std::min(read_deadline_ms_.load(), write_deadline_ms_.load());
}

void Connection::OnInput(std::string_view bytes) {
  try {
    {
      Lock lock(mutex_);
      if (!open_ || gone_) return;
      if (closing_ || input_dropped_) {
        discarded_ += bytes.size();
        if (discarded_ > kDiscardBytes) KillLocked("discard_limit", Manner::kReset);
        return;
      }
      const size_t limit = std::max(kPipelineBytes, hub_->limits().head_bytes + 8192);
      if (framer_.unparsed() + bytes.size() > limit) {
        input_dropped_ = last_answer_ = true;
        return;
      }
      framer_.Append(bytes);
      if (Floods(bytes.size())) last_answer_ = true;
    }
    Pump();
  } catch (const std::exception&) {
    Kill();  // out of memory
  }
}

// Pistache reads a socket until it is empty, so a client that never pauses blocks its worker for
// all others. True when this client has sent for too long.
bool Connection::Floods(size_t bytes) {
  burst_ += bytes;
  if (burst_ < kFloodCheckBytes) return false;
  int waiting = 0;
  if (::ioctl(fd_, FIONREAD, &waiting) != 0 || waiting == 0) {  // the client pauses here
    burst_ = burst_requests_ = 0;
    burst_since_ms_ = 0;
    return false;
  }
  const int64_t now = hub_->SteadyMs();
  if (burst_since_ms_ == 0) burst_since_ms_ = now;
  return burst_requests_ > 1 && now - burst_since_ms_ > kFloodMs;  // one long body is allowed
}

void Connection::OnDisconnect() {
  {
    Lock lock(mutex_);
    if (!open_) return;
    hub_->ForgetWrite(fd_);
    open_ = false;
    gone_ = true;
    stream_ = 0;
    pending_ = std::string();
    pending_from_ = 0;
    read_deadline_ms_ = write_deadline_ms_ = kNever;
    Account();
  }
  hub_->Remove(id_);
}

void Connection::Resume() {
  try {
    Pump();
  } catch (const std::exception&) {
    Kill();
  }
}

void Connection::Pump() {
  Lock lock(mutex_);
  if (pumping_) return;
  pumping_ = true;
  try {
    while (!gone_ && !closing_ && !in_flight_ && stream_ == 0 && pending_.empty()) {
      const Framer::Event event = framer_.Next();
      Account();
      if (event == Framer::Event::kNeedMore) {
        ArmRead();
        if (input_dropped_) closing_ = true;
        break;
      }
      if (event == Framer::Event::kContinue) {
        Send("HTTP/1.1 100 Continue\r\n\r\n", {}, hub_->limits().response_backlog);
      } else if (event == Framer::Event::kRefused) {
        RefuseAndClose(lock, framer_.status(), framer_.reason());
      } else {
        Dispatch(lock);
      }
    }
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    pumping_ = false;
    throw;
  }
  pumping_ = false;
  if (closing_) Settle();
}

void Connection::Dispatch(Lock& lock) {
  const Ticket ticket{framer_.keep_alive(), framer_.http10(), framer_.head_only()};
  Request request = framer_.TakeRequest();
  request.peer = peer_;
  ++burst_requests_;
  in_flight_ = true;
  in_flight_bytes_ = request.body.size();
  fresh_ = false;
  phase_ = Framer::Phase::kIdle;
  read_deadline_ms_ = kNever;
  const std::string* id = request.Header("x-request-id");
  const std::string request_id = id ? *id : std::string();
  auto exchange =
      std::make_shared<ConnectionExchange>(shared_from_this(), ticket, std::move(request));
  lock.unlock();
  hub_->Handle(std::move(exchange), request_id);
  lock.lock();
}

void Connection::RefuseAndClose(Lock& lock, int status, std::string_view reason) {
  const Ticket ticket{false, framer_.http10(), framer_.head_only()};
  const std::string request_id = framer_.request_id();
  in_flight_ = closing_ = true;
  read_deadline_ms_ = kNever;
  lock.unlock();
  Answer(ticket, hub_->Refuse(status, reason, request_id));
  lock.lock();
}

void Connection::Answer(const Ticket& ticket, Response response) {
  const bool valid = response.status >= 200 && response.status <= 599;
  if (!valid) response = hub_->Refuse(500, "BadStatus", "");
  if (!StatusHasBody(response.status)) response.body.clear();
  HeadOptions options;
  options.now_ms = hub_->NowMs();
  options.http10 = ticket.http10;
  if (StatusHasBody(response.status)) options.content_length = response.body.size();
  const std::string_view type = response.body.empty() ? std::string_view() : response.content_type;

  Lock lock(mutex_);
  options.keep_alive = ticket.keep_alive && !closing_ && !last_answer_ && !hub_->draining();
  std::string head = WriteHead(response.status, type, response.headers, options);
  in_flight_ = false;
  in_flight_bytes_ = 0;
  if (gone_) return;
  closing_ = !options.keep_alive;
  std::string_view body = ticket.head_only ? std::string_view() : response.body;
  if (body.size() <= kInlineBody) {
    head.append(body);
    body = {};
  }
  if (Send(head, body, hub_->limits().response_backlog)) Settle();
  Account();
}

void Connection::AnswerRaw(std::string_view raw) {
  Lock lock(mutex_);
  in_flight_ = false;
  in_flight_bytes_ = 0;
  if (gone_) return;
  closing_ = abort_after_ = true;
  if (Send(raw, {}, hub_->limits().response_backlog)) Settle();
  Account();
}

uint64_t Connection::StartStream(const Ticket& ticket, int status, std::string_view content_type,
                                 const Pairs& headers) {
  HeadOptions options;
  options.now_ms = hub_->NowMs();
  options.http10 = ticket.http10;
  options.chunked = !ticket.http10 && StatusHasBody(status);
  const bool empty = ticket.head_only || !StatusHasBody(status);

  Lock lock(mutex_);
  options.keep_alive = ticket.keep_alive && !closing_ && !last_answer_ && !hub_->draining() &&
                       (options.chunked || empty);
  const std::string head = WriteHead(status, content_type, headers, options);
  in_flight_ = false;
  in_flight_bytes_ = 0;
  if (gone_) return 0;
  if (!empty) {
    stream_ = ++last_stream_;
    stream_chunked_ = options.chunked;
    stream_keep_alive_ = options.keep_alive;
  } else {
    closing_ = !options.keep_alive;
  }
  const bool sent = Send(head, {}, hub_->limits().response_backlog);
  if (sent && empty) Settle();
  Account();
  return stream_;
}

bool Connection::WriteStream(uint64_t stream, std::string_view data) {
  Lock lock(mutex_);
  if (gone_ || stream == 0 || stream_ != stream) return false;
  if (data.empty()) return true;  // an empty chunk would end the stream
  bool sent = false;
  if (stream_chunked_) {
    char size[24];
    const int digits = std::snprintf(size, sizeof size, "%zx\r\n", data.size());
    std::string chunk(size, static_cast<size_t>(digits));
    chunk.append(data).append("\r\n");
    sent = Send(chunk, {}, hub_->limits().stream_backlog);
  } else {
    sent = Send(data, {}, hub_->limits().stream_backlog);
  }
  Account();
  return sent;
}

void Connection::CloseStream(uint64_t stream) {
  Lock lock(mutex_);
  if (stream != 0 && stream_ == stream) CloseStreamLocked();
}

void Connection::CloseStreamLocked() {
  stream_ = 0;
  if (gone_) return;
  closing_ = !stream_keep_alive_ || last_answer_ || hub_->draining();
  if (!stream_chunked_ || Send("0\r\n\r\n", {}, hub_->limits().response_backlog)) Settle();
}

void Connection::AbortStream(uint64_t stream) {
  Lock lock(mutex_);
  if (stream == 0 || stream_ != stream) return;
  stream_ = 0;
  KillLocked("aborted");
}

bool Connection::StreamOpen(uint64_t stream) const {
  Lock lock(mutex_);
  return stream != 0 && stream_ == stream && !gone_;
}

void Connection::OnWritable() {
  Lock lock(mutex_);
  if (!open_ || gone_ || pending_.empty()) return;
  Flush();
  if (!gone_ && pending_.empty()) Settle();
  Account();
}

void Connection::OnDeadline(int64_t now_ms) {
  Lock lock(mutex_);
  if (!open_ || gone_) return;
  if (write_deadline_ms_ <= now_ms) return KillLocked("stalled", Manner::kReset);
  if (read_deadline_ms_ > now_ms || pumping_ || in_flight_) return;
  if (closing_ || phase_ == Framer::Phase::kIdle) return KillLocked("idle");
  hub_->LogDrop("timeout", peer_);
  RefuseAndClose(lock, 408, phase_ == Framer::Phase::kHead ? "HeadTimeout" : "BodyTimeout");
}

bool Connection::Drain() {
  Lock lock(mutex_);
  if (!open_ || gone_) return false;
  if (stream_ != 0) CloseStreamLocked();
  if (in_flight_ || pumping_ || !pending_.empty()) return true;
  if (closing_) return false;
  if (framer_.phase() != Framer::Phase::kIdle) return true;
  KillLocked("draining");
  return false;
}

void Connection::Kill() {
  Lock lock(mutex_);
  KillLocked("killed");
}

void Connection::KillLocked(std::string_view why, Manner manner) {
  if (!open_ || gone_) return;
  gone_ = true;
  stream_ = 0;
  pending_ = std::string();
  pending_from_ = 0;
  read_deadline_ms_ = write_deadline_ms_ = kNever;
  if (manner == Manner::kReset) {
    const linger none{1, 0};  // also discards the bytes that both kernels hold
    (void)::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }
  ::shutdown(fd_, SHUT_RDWR);
  hub_->LogDrop(why, peer_);
  Account();
}

}  // namespace slipway::http
