#pragma once

#include "connect/deadline.h"
#include "connect/login.h"

namespace slipway::connect {

// At one numeric address of the target's host. Encrypted when the server offers it. Only methods
// that never send the password as it is.
LoginResult TryMysqlLogin(const LoginTarget& target, const std::string& address,
                          const Deadline& deadline);

}  // namespace slipway::connect
