// Tests with a real server. mysql_script_test.cc plays the servers that Debian lacks.
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "connect/deadline.h"
#include "connect/login.h"
#include "connect/mariadb_fixture.h"

namespace slipway::connect {
namespace {

class MysqlServer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!MariaDb::Installed()) return;
    server_ = std::make_unique<MariaDb>();
    // The server does not listen until it is ready.
    const Deadline deadline(60'000);
    while (server_->failure().empty() && deadline.LeftMs() > 0) {
      first_ = TryLogin(App());
      if (first_.outcome != LoginOutcome::kNotListening) return;
      std::this_thread::yield();
    }
  }

  static void TearDownTestSuite() { server_.reset(); }

  void SetUp() override {
    if (!MariaDb::Installed()) GTEST_SKIP() << "mariadbd is not installed";
    ASSERT_EQ(server_->failure(), "");
    ASSERT_EQ(first_.outcome, LoginOutcome::kProved) << first_.message << server_->Log();
  }

  static LoginTarget App() {
    return {"mysql", "127.0.0.1", server_->port(), "app", "pw-right", "app", "SELECT 1", 60'000};
  }

  static std::unique_ptr<MariaDb> server_;
  static LoginResult first_;
};

std::unique_ptr<MariaDb> MysqlServer::server_;
LoginResult MysqlServer::first_;

TEST_F(MysqlServer, ProvesTheRightPasswordAndRefusesTheRest) {
  const auto result = [](auto&& change) {
    LoginTarget target = App();
    change(target);
    return TryLogin(target);
  };

  const struct {
    const char* what;
    LoginResult result;
    LoginOutcome outcome;
    const char* message;
  } cases[] = {
      {"right", result([](LoginTarget&) {}), LoginOutcome::kProved, ""},
      {"no database", result([](auto& t) { t.database = ""; }), LoginOutcome::kProved, ""},
      {"by name, not by the socket", result([](auto& t) { t.host = "localhost"; }),
       LoginOutcome::kProved, ""},
      {"wrong", result([](auto& t) { t.password = "pw-wrong"; }), LoginOutcome::kRefused,
       "Access denied"},
      {"none", result([](auto& t) { t.password = ""; }), LoginOutcome::kRefused, "Access denied"},
      {"user", result([](auto& t) { t.user = "nobody"; }), LoginOutcome::kRefused, "Access denied"},
      {"another's database", result([](auto& t) { t.database = "mysql"; }), LoginOutcome::kRefused,
       "Access denied"},
      {"unknown database", result([](auto& t) { t.user = "all", t.database = "nope"; }),
       LoginOutcome::kRefused, "Unknown database"},
      {"statement", result([](auto& t) { t.statement = "SELECT nothing"; }), LoginOutcome::kRefused,
       "Unknown column"},
      {"after rows", result([](auto& t) {
         t.statement =
             "SELECT IF(seq = 3, (SELECT 1 UNION SELECT 2), 1) FROM "
             "(SELECT 1 seq UNION SELECT 2 UNION SELECT 3) s";
       }),
       LoginOutcome::kRefused, "more than 1 row"},
      {"no rows", result([](auto& t) { t.statement = "DO 1"; }), LoginOutcome::kProved, ""},
      {"many rows", result([](auto& t) {
         t.statement =
             "SELECT REPEAT('x', 1000) FROM information_schema.columns a, "
             "information_schema.columns b";
       }),
       LoginOutcome::kProved, ""},
  };

  for (const auto& c : cases) {
    EXPECT_EQ(c.result.outcome, c.outcome) << c.what << ": " << c.result.message;
    EXPECT_NE(c.result.message.find(c.message), std::string::npos) << c.result.message;
    EXPECT_EQ(c.result.message.find("pw-"), std::string::npos) << c.result.message;
  }
}

TEST_F(MysqlServer, TakesEveryCharacterOfAnAccount) {
  LoginTarget target = App();
  target.user = "o'b\"r\\;-- %s";
  target.password = "p'w\"\\;-- %s{}\t€";
  EXPECT_EQ(TryLogin(target).outcome, LoginOutcome::kProved);
  target.password.pop_back();
  EXPECT_EQ(TryLogin(target).outcome, LoginOutcome::kRefused);
}

TEST_F(MysqlServer, EncryptsWithoutAskingWhoseCertificateItIs) {
  LoginTarget target = App();
  target.user = "secure";  // may log in only over TLS
  const LoginResult result = TryLogin(target);
  EXPECT_EQ(result.outcome, LoginOutcome::kProved) << result.message;
  target.tls = true;
  const LoginResult asked = TryLogin(target);
  EXPECT_EQ(asked.outcome, LoginOutcome::kProved) << asked.message;
}

TEST_F(MysqlServer, TakesLongNamesAndPasswordsAsTheyAre) {
  for (const size_t size : {100u, 300u, 70'000u, 1'000'000u}) {
    for (std::string LoginTarget::*field :
         {&LoginTarget::user, &LoginTarget::password, &LoginTarget::database}) {
      LoginTarget target = App();
      target.*field = std::string(size, 'x');
      const LoginResult result = TryLogin(target);
      EXPECT_NE(result.outcome, LoginOutcome::kProved) << size;
      EXPECT_LT(result.message.size(), 500u);
    }
  }
}

TEST_F(MysqlServer, GivesUpOnASlowStatement) {
  LoginTarget target = App();
  target.statement = "SELECT SLEEP(30)";
  target.timeout_ms = 300;
  LoginResult result;
  EXPECT_LT(ElapsedMs([&] { result = TryLogin(target); }), kPromptMs);
  EXPECT_EQ(result.outcome, LoginOutcome::kUnreachable);
  EXPECT_EQ(result.message, "no answer in 300 ms");
}

TEST_F(MysqlServer, ServesManyThreads) {
  std::atomic<int> proved = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 5; ++k) {
        LoginTarget target = App();
        if (i % 2 == 1) target.password = "pw-wrong";
        const LoginOutcome outcome = TryLogin(target).outcome;
        proved += outcome == LoginOutcome::kProved ? 1 : 0;
        refused += outcome == LoginOutcome::kRefused ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(proved, 20);
  EXPECT_EQ(refused, 20);
}

}  // namespace
}  // namespace slipway::connect
