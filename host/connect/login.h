#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace slipway::connect {

struct LoginTarget {
  std::string protocol;  // "postgresql", "mysql", "mongodb"
  std::string host;
  int port = 0;
  std::string user, password, database;
  std::string statement;  // must succeed, e.g. "SELECT 1"
  int64_t timeout_ms = 5000;
  bool tls = false;  // the server requires TLS; we accept any certificate
};

enum class LoginOutcome {
  kProved,
  kRefused,       // the server refused: wrong password, no such role or database
  kNotListening,  // connection refused: no server listens there, perhaps not yet
  kUnreachable,   // no answer from this address
  kNotReady,      // the server starts or stops: try again
  kNoConnector,   // this host cannot speak the protocol
};

struct LoginResult {
  LoginOutcome outcome = LoginOutcome::kUnreachable;
  std::string message;  // never contains the password
  // The first value of the statement's first row, as the server sent it; nullopt: no row, a null,
  // or a connector that reads none. Show it through Presentable().
  std::optional<std::string> value = {};
};

// A server's text for a person: short, printable ASCII, without the password.
std::string Presentable(std::string text, const std::string& password);

// Can the connector of that protocol read a statement's value?
bool ReadsValues(const std::string& protocol);

// Opens a connection, runs the statement and closes the connection. It uses the first address of
// the host at which a server answers. Blocks at most for the time-out, which includes the host's
// look-up. Any worker thread.
LoginResult TryLogin(const LoginTarget& target);

}  // namespace slipway::connect
