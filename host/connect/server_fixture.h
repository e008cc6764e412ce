#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "connect/test_support.h"

namespace slipway::connect {

// A real server on 127.0.0.1 with its own directory. Both end with the object.
class TestServer {
 public:
  TestServer();
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  // The first call chooses the port. It happens late, so that no other program takes the port
  // first.
  int port() const {
    if (port_ == 0) port_ = ClosedPort().port();
    return port_;
  }

  // The reason why it could not start; "" when it started (it may not listen yet).
  const std::string& failure() const { return failure_; }

  std::string Log() const;

 protected:
  const std::string& directory() const { return directory_; }

  std::string PathOf(const std::string& name) const { return directory_ + "/" + name; }

  void Fail(const std::string& why) { failure_ = why; }

  // Makes a self-signed key and certificate: key.pem, certificate.pem.
  bool MakeCertificate() const;
  // Runs a program to its end with the file as standard input.
  bool Run(const std::vector<std::string>& command, const std::string& input) const;
  void Start(const std::vector<std::string>& command);

 private:
  pid_t Fork(const std::vector<std::string>& command, const std::string& input) const;

  std::string directory_, failure_;
  mutable int port_ = 0;
  pid_t pid_ = -1;
};

std::string ReadFile(const std::string& path);

}  // namespace slipway::connect
