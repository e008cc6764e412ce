#pragma once

#include <map>
#include <string>

#include "connect/test_support.h"

namespace slipway::connect {

// A MongoDB server that supports only a login: the wire protocol and the server's side of
// SCRAM-SHA-256 (RFC 5802). A test can make single steps wrong.
struct MongodbScript {
  struct Failure {
    int code;
    const char* message;
  };

  std::string user = "app", password = "pw-secret", database = "app";
  std::string iterations = "4096";
  bool speculative = true;  // answers saslStart inside hello, as servers since 4.4 do
  bool right_signature = true;
  bool primary = true;
  std::map<std::string, Failure> failures = {};  // by command
  std::string* ran = nullptr;                    // the commands after the login

  // Serves one client until it goes away.
  void operator()(const Peer& peer) const;
};

}  // namespace slipway::connect
