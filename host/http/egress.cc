// The sending half of Connection.
#include <cerrno>
#include <limits>
#include <sys/socket.h>
#include <sys/uio.h>

#include "http/connection.h"

namespace slipway::http {
namespace {

constexpr int64_t kLingerMs = 2000;  // the client's time to read the last answer
constexpr int64_t kAccountStep = 4096;
constexpr size_t kCompactOutput = 256 * 1024;

}  // namespace

// Sends as much as the kernel takes and cuts it off the front of both. False: the connection is
// broken.
bool Connection::SendNow(std::string_view& head, std::string_view& body) {
  while (!head.empty() || !body.empty()) {
    iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                      {const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    const size_t from_head = std::min(static_cast<size_t>(sent), head.size());
    head.remove_prefix(from_head);
    body.remove_prefix(static_cast<size_t>(sent) - from_head);
  }
  return true;
}

bool Connection::Send(std::string_view head, std::string_view body, size_t backlog_limit) {
  if (!open_ || gone_) return false;
  if (pending_.empty() && !SendNow(head, body)) return KillLocked("send_failed"), false;
  const size_t left = head.size() + body.size();
  if (left == 0) return true;
  if (pending_.size() - pending_from_ + left > backlog_limit)
    return KillLocked("backlog", Manner::kReset), false;
  const bool first = pending_.empty();
  pending_.reserve(pending_.size() + left);
  pending_.append(head).append(body);
  if (!first) return true;
  write_deadline_ms_ = hub_->SteadyMs() + hub_->limits().stall_ms;
  if (!hub_->WantWrite(id_, fd_)) return KillLocked("epoll"), false;
  return true;
}

// The loop calls it when the socket takes bytes again.
void Connection::Flush() {
  std::string_view rest = std::string_view(pending_).substr(pending_from_);
  std::string_view nothing;
  const size_t before = rest.size();
  if (!SendNow(rest, nothing)) return KillLocked("send_failed");
  if (rest.empty()) {
    pending_ = std::string();
    pending_from_ = 0;
    write_deadline_ms_ = kNever;
    return;
  }
  pending_from_ = pending_.size() - rest.size();
  if (pending_from_ > kCompactOutput && pending_from_ > rest.size()) {
    pending_.erase(0, pending_from_);
    pending_from_ = 0;
  }
  if (rest.size() < before) write_deadline_ms_ = hub_->SteadyMs() + hub_->limits().stall_ms;
  if (!hub_->WantWrite(id_, fd_)) KillLocked("epoll");
}

// After an answer is sent, ends the connection or starts the next request.
void Connection::Settle() {
  if (!open_ || gone_ || !pending_.empty() || in_flight_ || stream_ != 0) return;
  if (abort_after_) return KillLocked("aborted");
  if (closing_) {
    if (fin_sent_) return;
    fin_sent_ = true;
    ::shutdown(fd_, SHUT_WR);  // the client may still send; a close now could destroy the answer
    read_deadline_ms_ = hub_->SteadyMs() + kLingerMs;
    return;
  }
  ArmRead();
  if (!pumping_ && framer_.unparsed() > 0) hub_->Schedule(shared_from_this());
}

// Sets the deadline for the input's phase, counted from the start of the phase.
void Connection::ArmRead() {
  const Framer::Phase phase = framer_.phase();
  if (phase == phase_ && read_deadline_ms_ != kNever) return;
  phase_ = phase;
  const Limits& limits = hub_->limits();
  int64_t ms = limits.body_ms;
  if (phase == Framer::Phase::kHead || (phase == Framer::Phase::kIdle && fresh_))
    ms = limits.head_ms;
  if (phase == Framer::Phase::kIdle && !fresh_) ms = limits.idle_ms;
  read_deadline_ms_ = hub_->SteadyMs() + ms;
}

// Tells the hub how many bytes this connection holds. Over the common limit the connection ends.
void Connection::Account() {
  const auto held = static_cast<int64_t>(framer_.memory() + in_flight_bytes_ + pending_.size());
  const int64_t delta = held - accounted_;
  if (delta < kAccountStep && delta > -kAccountStep && held != 0) return;
  if (delta == 0) return;
  accounted_ = held;
  if (!hub_->Account(delta)) KillLocked("memory", Manner::kReset);
}

}  // namespace slipway::http
