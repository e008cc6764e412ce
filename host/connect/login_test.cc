#include "connect/login.h"

#include <gtest/gtest.h>

#include "connect/test_support.h"

namespace slipway::connect {
namespace {

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

TEST(Login, TakesNoServerWithoutTlsForOneThatInsistsOnIt) {
  const ScriptedServer server([](const Peer& peer) {
    if (!peer.Read(8).empty()) peer.Send("N");  // to an SSLRequest
    peer.ReadAll();
  });
  LoginTarget target{"postgresql", "127.0.0.1", server.port(), "app",
                     "pw",         "app",       "SELECT 1",    2000};
  target.tls = true;
  const LoginResult result = TryLogin(target);
  EXPECT_EQ(result.outcome, LoginOutcome::kUnreachable);
  EXPECT_NE(result.message.find("server does not support SSL"), std::string::npos)
      << result.message;
}

TEST(Login, NamesAMissingConnector) {
  EXPECT_EQ(TryLogin({"gopher", "127.0.0.1", 70, "", "", "", "", 100}).outcome,
            LoginOutcome::kNoConnector);
}

}  // namespace
}  // namespace slipway::connect
