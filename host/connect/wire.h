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

// A TCP connection for a library that does not open its own: every wait ends at the deadline, and a
// server that says too much is cut off. Confined to its thread.
class Wire {
 public:
  enum class State {
    kNew,
    kOpen,
    kNotListening,
    kNoRoute,  // it does not answer
    kClosed,   // by the server
    kNoTls,    // the server does not speak it
    kLate,
    kTooMuch,
  };
  enum class Wait { kNo, kYes };

  // `tls`: with whoever it is; a login proves the server too where the protocol can.
  Wire(const Deadline& deadline, bool tls) : deadline_(deadline), with_tls_(tls) {}

  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // True when it is open. `address` is numeric. Ends an earlier connection.
  bool Connect(const std::string& address, int port);
  void Close();

  // Like readv and writev, up to at least `least` bytes: what was done, 0 when the server closed,
  // -1 with errno EAGAIN, ETIMEDOUT, or another.
  ssize_t Read(const iovec* parts, size_t count, size_t least, Wait wait);
  ssize_t Write(const iovec* parts, size_t count, Wait wait);
  // Like poll on this connection alone.
  int Poll(int events, int timeout_ms, int& came) const;

  // For a server that was found to ask too much of us.
  void Refuse() { state_ = State::kTooMuch; }

  State state() const { return state_; }

 private:
  enum class Way { kIn, kOut };

  bool StartTls();
  ssize_t Move(Way way, const iovec* parts, size_t count, size_t least, Wait wait);
  // Once, without waiting: bytes, 0 when the server closed, -1 with errno; with EAGAIN `events`
  // says what to wait for.
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
