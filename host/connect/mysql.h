#pragma once

#include "connect/deadline.h"
#include "connect/login.h"

namespace slipway::connect {

// Logs in at one numeric address of the target's host, encrypted if the server offers TLS. It uses
// only methods that never send the plain password.
LoginResult TryMysqlLogin(const LoginTarget& target, const std::string& address,
                          const Deadline& deadline);

}  // namespace slipway::connect
