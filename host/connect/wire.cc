#include "connect/wire.h"

#include <cerrno>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

namespace slipway::connect {
namespace {

constexpr uint64_t kMostOfAll = 1 << 20;

void Skip(std::vector<iovec>& parts, size_t bytes) {
  while (!parts.empty() && bytes >= parts.front().iov_len) {
    bytes -= parts.front().iov_len;
    parts.erase(parts.begin());
  }
  if (parts.empty()) return;
  parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + bytes;
  parts.front().iov_len -= bytes;
}

SSL_CTX* ClientContext() {
  static const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> kContext(
      SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  return kContext.get();
}

}  // namespace

Wire::~Wire() {
  Close();
}

void Wire::Close() {
  tls_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Wire::Connect(const std::string& address, int port) {
  Close();
  state_ = State::kNoRoute;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return false;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> to(found, ::freeaddrinfo);
  fd_ = ::socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  int error = ::connect(fd_, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    socklen_t size = sizeof error;
    if (deadline_.WaitFor(fd_, POLLOUT) == 0) return Fail(State::kLate, ETIMEDOUT) == 0;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0)
    return Fail(error == ECONNREFUSED ? State::kNotListening : State::kNoRoute, error) == 0;
  state_ = State::kOpen;
  return !with_tls_ || StartTls();
}

ssize_t Wire::Fail(State state, int error) {
  state_ = state;
  errno = error;
  return -1;
}

// OpenSSL writes without MSG_NOSIGNAL, so its programs must ignore SIGPIPE.
bool Wire::StartTls() {
  tls_.reset(SSL_new(ClientContext()));
  if (!tls_ || SSL_set_fd(tls_.get(), fd_) != 1) return Fail(State::kNoTls, ENOMEM) == 0;
  SSL_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_clear_mode(tls_.get(), SSL_MODE_AUTO_RETRY);  // we check the deadline after each record
  for (;;) {
    ERR_clear_error();
    const int done = SSL_connect(tls_.get());
    if (done == 1) return true;
    short events = 0;
    if (WhyTlsStopped(done, events) == 0 || errno != EAGAIN)
      return Fail(State::kNoTls, ECONNABORTED) == 0;
    if (deadline_.WaitFor(fd_, events) == 0) return Fail(State::kLate, ETIMEDOUT) == 0;
  }
}

ssize_t Wire::WhyTlsStopped(int result, short& events) {
  const int why = SSL_get_error(tls_.get(), result);
  if (why == SSL_ERROR_ZERO_RETURN) return 0;
  events = why == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
  errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
  return -1;
}

ssize_t Wire::Attempt(Way way, std::vector<iovec>& parts, short& events) {
  if (tls_) {
    ERR_clear_error();
    size_t n = 0;
    const iovec& part = parts.front();
    const int done = way == Way::kIn ? SSL_read_ex(tls_.get(), part.iov_base, part.iov_len, &n)
                                     : SSL_write_ex(tls_.get(), part.iov_base, part.iov_len, &n);
    return done == 1 ? static_cast<ssize_t>(n) : WhyTlsStopped(done, events);
  }
  events = way == Way::kIn ? POLLIN : POLLOUT;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return way == Way::kIn ? ::recvmsg(fd_, &message, 0) : ::sendmsg(fd_, &message, MSG_NOSIGNAL);
}

ssize_t Wire::Move(Way way, const iovec* parts, size_t count, size_t least, Wait wait) {
  std::vector<iovec> left(parts, parts + count);
  Skip(left, 0);  // skips empty parts
  ssize_t moved = 0;
  while (!left.empty()) {
    short events = 0;
    const ssize_t n = Attempt(way, left, events);
    if (n > 0) {
      moved += n;
      received_ += way == Way::kIn ? static_cast<size_t>(n) : 0;
      if (received_ > kMostOfAll) return Fail(State::kTooMuch, ECONNABORTED);
      if (static_cast<size_t>(moved) >= least) return moved;
      Skip(left, static_cast<size_t>(n));
      continue;
    }
    if (n == 0) {
      Fail(State::kClosed, ECONNRESET);
      return 0;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return Fail(State::kClosed, errno);
    if (wait == Wait::kNo) return moved > 0 ? moved : -1;
    if (deadline_.WaitFor(fd_, events) == 0) return Fail(State::kLate, ETIMEDOUT);
  }
  return moved;
}

ssize_t Wire::Read(const iovec* parts, size_t count, size_t least, Wait wait) {
  return Move(Way::kIn, parts, count, least, wait);
}

ssize_t Wire::Write(const iovec* parts, size_t count, Wait wait) {
  size_t all = 0;
  for (size_t i = 0; i < count; ++i) all += parts[i].iov_len;
  return Move(Way::kOut, parts, count, all, wait);
}

int Wire::Poll(int events, int timeout_ms, int& came) const {
  if (tls_ && (events & POLLIN) != 0 && SSL_pending(tls_.get()) > 0) {
    came = POLLIN;
    return 1;
  }
  const int left_ms = deadline_.LeftMs();
  pollfd entry{fd_, static_cast<short>(events), 0};
  const int n = ::poll(&entry, 1, timeout_ms < 0 ? left_ms : std::min(timeout_ms, left_ms));
  came = entry.revents;
  return n;
}

}  // namespace slipway::connect
