#pragma once

#include <cstdint>
#include <string>

namespace slipway::connect {

struct LoginTarget {
  std::string protocol;  // "postgresql", "mysql", "mongodb"
  std::string host;
  int port = 0;
  std::string user, password, database;
  std::string statement;  // must succeed, e.g. "SELECT 1"
  int64_t timeout_ms = 5000;
  bool tls = false;  // the server takes nothing else; any certificate will do
};

enum class LoginOutcome {
  kProved,
  kRefused,       // the server answered and said no: wrong password, role or database missing
  kNotListening,  // the machine answered that nobody listens there, perhaps not yet
  kUnreachable,   // no server answered at this address
  kNotReady,      // the server answered that it is starting or stopping: try again
  kNoConnector,   // this build cannot speak the protocol
};

struct LoginResult {
  LoginOutcome outcome = LoginOutcome::kUnreachable;
  std::string message;  // never holds the password
};

// Opens a connection, runs the statement, closes. Of a host with several addresses the first that a
// server answers at. Blocks up to the time-out, the look-up of the host included; any worker
// thread.
LoginResult TryLogin(const LoginTarget& target);

}  // namespace slipway::connect
