#pragma once

#include "connect/login.h"

namespace slipway::connect {

LoginResult TryPostgresLogin(const LoginTarget& target);

}  // namespace slipway::connect
