#pragma once

#include "connect/deadline.h"
#include "connect/login.h"

namespace slipway::connect {

// SCRAM-SHA-256 at one numeric address of the target's host, with that server alone; `database` is
// where the user is defined ("admin" when it is empty), `statement` the name of a command.
// libmongoc is loaded by the first call: without it kNoConnector.
LoginResult TryMongodbLogin(const LoginTarget& target, const std::string& address,
                            const Deadline& deadline);

}  // namespace slipway::connect
