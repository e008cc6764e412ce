#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "connect/test_support.h"

namespace slipway::connect {

// A real server on 127.0.0.1 with a directory of its own, both gone with the object.
class TestServer {
 public:
  TestServer();
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  // Chosen when it is first asked for: nobody else should take it before the server does.
  int port() const {
    if (port_ == 0) port_ = ClosedPort().port();
    return port_;
  }

  // What stopped it from being set up; "" when it was started (it may not listen yet).
  const std::string& failure() const { return failure_; }

  std::string Log() const;

 protected:
  const std::string& directory() const { return directory_; }

  std::string PathOf(const std::string& name) const { return directory_ + "/" + name; }

  void Fail(const std::string& why) { failure_ = why; }

  // A key and a certificate of somebody else: key.pem, certificate.pem.
  bool MakeCertificate() const;
  // To its end, with that file as its input.
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
