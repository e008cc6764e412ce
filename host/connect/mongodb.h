#pragma once

#include "connect/login.h"

namespace slipway::connect {

// SCRAM-SHA-256 over an unencrypted connection to the one server named; `database` is where the
// user is defined ("admin" when it is empty), `statement` the name of a command. libmongoc is
// loaded by the first call: without it kNoConnector.
LoginResult TryMongodbLogin(const LoginTarget& target);

}  // namespace slipway::connect
