#pragma once

#include "connect/deadline.h"
#include "connect/login.h"

namespace slipway::connect {

// Logs in at one numeric address of the target's host.
LoginResult TryPostgresLogin(const LoginTarget& target, const std::string& address,
                             const Deadline& deadline);

}  // namespace slipway::connect
