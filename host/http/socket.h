#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace slipway::http {

struct Listening {
  int fd = -1;  // the caller's to close
  uint16_t port = 0;
};

// Binds and listens, not blocking. kUnavailable "AddressInUse", or "AddressUnusable" for any other
// reason; the message names the address.
Result<Listening> Listen(const std::string& address, uint16_t port);

// The next connection, not blocking and closed on exec, with the peer's address without port;
// -1 and errno otherwise.
int AcceptOne(int listen_fd, std::string& peer);

// No delay, and a peer that vanished without a word is noticed by the kernel.
void TuneSocket(int fd, int64_t user_timeout_ms);

}  // namespace slipway::http
