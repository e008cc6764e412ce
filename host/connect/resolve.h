#pragma once

#include <string>
#include <vector>

#include "connect/deadline.h"

namespace slipway::connect {

struct Resolved {
  std::vector<std::string> addresses;  // numeric, in the order to try them; empty on failure
  std::string failure;
};

// The addresses of a host, by the deadline at the latest: the resolver itself knows none and may
// take half a minute. A look-up that is late goes on in its thread; no more than a few may be, and
// further names are then not looked up. Any thread.
Resolved Resolve(const std::string& host, const Deadline& deadline);

}  // namespace slipway::connect
