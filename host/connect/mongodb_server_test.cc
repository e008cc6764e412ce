// Tests with a real server. mongodb_test.cc plays the servers that we cannot install.
#include <gtest/gtest.h>

#include "connect/deadline.h"
#include "connect/ferretdb_fixture.h"
#include "connect/login.h"

namespace slipway::connect {
namespace {

using Listens = FerretDb::Listens;

class MongodbServer : public testing::TestWithParam<Listens> {
 protected:
  void SetUp() override {
    if (FerretDb::Program().empty())
      GTEST_SKIP() << "SLIPWAY_FERRETDB is not set: tests/realparts/build ferretdb";
  }

  static LoginTarget App(const TestServer& server) {
    return {"mongodb", "127.0.0.1", server.port(),
            "app",     "pw-right",  "app",
            "ping",    20'000,      GetParam() == Listens::kTls};
  }

  // The server does not listen until it is ready.
  static LoginResult FirstLogin(const TestServer& server) {
    LoginResult out;
    const Deadline deadline(60'000);
    while (deadline.LeftMs() > 0) {
      out = TryLogin(App(server));
      if (out.outcome != LoginOutcome::kNotListening) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return out;
  }
};

TEST_P(MongodbServer, ProvesTheRightPasswordAndRefusesTheRest) {
  const FerretDb server(GetParam());
  ASSERT_EQ(server.failure(), "");
  const LoginResult first = FirstLogin(server);
  ASSERT_EQ(first.outcome, LoginOutcome::kProved) << first.message << server.Log();
  for (std::string LoginTarget::*field :
       {&LoginTarget::user, &LoginTarget::password, &LoginTarget::database}) {
    LoginTarget target = App(server);
    target.*field = "pw-wrong";
    const LoginResult wrong = TryLogin(target);
    EXPECT_EQ(wrong.outcome, LoginOutcome::kRefused) << wrong.message;
    EXPECT_NE(wrong.message.find("Authentication failed"), std::string::npos) << wrong.message;
    EXPECT_EQ(wrong.message.find("pw-"), std::string::npos) << wrong.message;
  }
  LoginTarget target = App(server);
  target.statement = "noSuchCommand";
  const LoginResult unknown = TryLogin(target);
  EXPECT_EQ(unknown.outcome, LoginOutcome::kRefused) << unknown.message;
  target = App(server);
  target.tls = !target.tls;
  target.timeout_ms = 1000;
  const LoginResult other = TryLogin(target);
  EXPECT_EQ(other.outcome, LoginOutcome::kUnreachable) << other.message;
}

INSTANTIATE_TEST_SUITE_P(Of, MongodbServer, testing::Values(Listens::kPlain, Listens::kTls),
                         [](const auto& one) {
                           return one.param == Listens::kTls ? "Tls" : "Plain";
                         });

}  // namespace
}  // namespace slipway::connect
