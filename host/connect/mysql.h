#pragma once

#include "connect/login.h"

namespace slipway::connect {

// Encrypted when the server offers it. Only methods that never send the password as it is.
LoginResult TryMysqlLogin(const LoginTarget& target);

}  // namespace slipway::connect
