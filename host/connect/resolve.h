#pragma once

#include <string>
#include <vector>

#include "connect/deadline.h"

namespace slipway::connect {

struct Resolved {
  std::vector<std::string> addresses;  // numeric, in the order of the attempts; empty on failure
  std::string failure;
};

// Finds the addresses of a host, or fails at the deadline. (The resolver has no deadline and may
// take half a minute.) A late look-up continues in its own thread. While a few late ones are under
// way, further look-ups fail at once. Any thread.
Resolved Resolve(const std::string& host, const Deadline& deadline);

}  // namespace slipway::connect
