#pragma once

#include "connect/deadline.h"
#include "connect/login.h"

namespace slipway::connect {

// At one numeric address of the target's host.
LoginResult TryPostgresLogin(const LoginTarget& target, const std::string& address,
                             const Deadline& deadline);

}  // namespace slipway::connect
