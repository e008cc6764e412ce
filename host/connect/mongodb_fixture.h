#pragma once

#include <map>
#include <string>

#include "connect/test_support.h"

namespace slipway::connect {

// A MongoDB server as far as a login goes: the wire protocol, and the server's side of
// SCRAM-SHA-256 after RFC 5802. What a test changes, it does wrong.
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
  std::string* ran = nullptr;                    // what was asked for after the login

  // Serves one client until it goes away.
  void operator()(const Peer& peer) const;
};

}  // namespace slipway::connect
