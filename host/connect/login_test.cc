#include "connect/login.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace slipway::connect {
namespace {

// A bound socket nobody listens on: connecting to it is refused, and nobody else can take the port.
class ClosedPort {
 public:
  ClosedPort() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }

  ~ClosedPort() { ::close(fd_); }

  int port() const { return port_; }

  void Listen() const { ::listen(fd_, 1); }

 private:
  int fd_, port_ = 0;
};

TEST(Login, TellsThatNobodyListens) {
  const ClosedPort port;
  const LoginResult result = TryLogin(
      {"postgresql", "127.0.0.1", port.port(), "app", "pw-secret", "app", "SELECT 1", 2000});
  EXPECT_EQ(result.outcome, LoginOutcome::kNotListening);
  EXPECT_EQ(result.message.find("pw-secret"), std::string::npos);
}

TEST(Login, GivesUpOnASilentServer) {
  const ClosedPort port;
  port.Listen();
  const LoginResult result =
      TryLogin({"postgresql", "127.0.0.1", port.port(), "app", "pw", "app", "SELECT 1", 100});
  EXPECT_EQ(result.outcome, LoginOutcome::kUnreachable);
}

TEST(Login, NamesAMissingConnector) {
  EXPECT_EQ(TryLogin({"gopher", "127.0.0.1", 70, "", "", "", "", 100}).outcome,
            LoginOutcome::kNoConnector);
}

}  // namespace
}  // namespace slipway::connect
