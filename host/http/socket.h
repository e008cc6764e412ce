#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace slipway::http {

struct Listening {
  int fd = -1;  // the caller closes it
  uint16_t port = 0;
};

// Binds and listens; the socket does not block. kUnavailable "AddressInUse", or "AddressUnusable"
// for any other reason; the message names the address.
Result<Listening> Listen(const std::string& address, uint16_t port);

// Accepts the next connection: non-blocking, close-on-exec. `peer` gets the address without port.
// Otherwise -1 and errno.
int AcceptOne(int listen_fd, std::string& peer);

// Sets TCP_NODELAY. The kernel then also detects a peer that vanished silently.
void TuneSocket(int fd, int64_t user_timeout_ms);

}  // namespace slipway::http
