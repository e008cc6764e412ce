#pragma once

#include "connect/deadline.h"
#include "connect/login.h"

namespace slipway::connect {

// Logs in by SCRAM-SHA-256 at one numeric address of the target's host, to that server only. The
// database ("admin" when empty) defines the user; the statement is the name of a command. The first
// call loads libmongoc; without the library the answer is kNoConnector.
LoginResult TryMongodbLogin(const LoginTarget& target, const std::string& address,
                            const Deadline& deadline);

}  // namespace slipway::connect
