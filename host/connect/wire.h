#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <sys/uio.h>
#include <vector>

#include <openssl/ssl.h>

#include "connect/deadline.h"

namespace slipway::connect {

// A TCP connection for a library that does not open its own. Every wait ends at the deadline, and
// the connection ends when the server sends too much. One thread uses it.
class Wire {
 public:
  enum class State {
    kNew,
    kOpen,
    kNotListening,
    kNoRoute,  // no answer
    kClosed,   // the server closed the connection
    kNoTls,    // the server does not speak TLS
    kLate,
    kTooMuch,
  };
  enum class Wait { kNo, kYes };

  // With `tls` we accept any certificate; where the protocol allows it, the login also proves the
  // server.
  Wire(const Deadline& deadline, bool tls) : deadline_(deadline), with_tls_(tls) {}

  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // Ends an earlier connection and opens one to a numeric address. True on success.
  bool Connect(const std::string& address, int port);
  void Close();

  // Like readv and writev, for at least `least` bytes. They return the number of bytes; 0 when the
  // server closed; -1 with errno EAGAIN, ETIMEDOUT or another.
  ssize_t Read(const iovec* parts, size_t count, size_t least, Wait wait);
  ssize_t Write(const iovec* parts, size_t count, Wait wait);
  // Like poll, for this connection alone.
  int Poll(int events, int timeout_ms, int& came) const;

  // Ends the connection to a server that asks too much of us.
  void Refuse() { state_ = State::kTooMuch; }

  State state() const { return state_; }

 private:
  enum class Way { kIn, kOut };

  bool StartTls();
  ssize_t Move(Way way, const iovec* parts, size_t count, size_t least, Wait wait);
  // Tries once without a wait. Returns the number of bytes; 0 when the server closed; -1 with
  // errno. On EAGAIN, `events` holds the event to wait for.
  ssize_t Attempt(Way way, std::vector<iovec>& parts, short& events);
  ssize_t WhyTlsStopped(int result, short& events);
  ssize_t Fail(State state, int error);

  const Deadline deadline_;
  const bool with_tls_;
  int fd_ = -1;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_{nullptr, SSL_free};
  uint64_t received_ = 0;
  State state_ = State::kNew;
};

}  // namespace slipway::connect
