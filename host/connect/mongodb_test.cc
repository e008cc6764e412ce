// Debian has no MongoDB server: mongodb_fixture.h plays one.
#include <vector>

#include <gtest/gtest.h>

#include "connect/login.h"
#include "connect/mongodb_fixture.h"

namespace slipway::connect {
namespace {

LoginTarget App(int port) {
  return {"mongodb", "127.0.0.1", port, "app", "pw-secret", "app", "ping", 20'000};
}

LoginResult TryOn(const MongodbScript& script) {
  const ScriptedServer server(script);
  return TryLogin(App(server.port()));
}

TEST(Mongodb, ProvesTheRightPasswordAndRefusesTheRest) {
  std::string ran;
  MongodbScript script;
  script.ran = &ran;
  for (const bool speculative : {true, false}) {
    script.speculative = speculative;
    ran.clear();
    {
      const ScriptedServer server(script);
      const LoginResult right = TryLogin(App(server.port()));
      EXPECT_EQ(right.outcome, LoginOutcome::kProved) << right.message;
      for (std::string LoginTarget::*field : {&LoginTarget::user, &LoginTarget::password}) {
        LoginTarget target = App(server.port());
        target.*field = "pw-wrong";
        const LoginResult wrong = TryLogin(target);
        EXPECT_EQ(wrong.outcome, LoginOutcome::kRefused) << wrong.message;
        EXPECT_NE(wrong.message.find("Authentication failed"), std::string::npos) << wrong.message;
        EXPECT_EQ(wrong.message.find("pw-"), std::string::npos) << wrong.message;
      }
    }
    EXPECT_EQ(ran, "ping@app ");
  }
}

TEST(Mongodb, LooksForTheUserWhereItIsToldTo) {
  MongodbScript script;
  script.database = "admin";
  const ScriptedServer server(script);
  LoginTarget target = App(server.port());
  EXPECT_EQ(TryLogin(target).outcome, LoginOutcome::kRefused);
  target.database = "";
  EXPECT_EQ(TryLogin(target).outcome, LoginOutcome::kProved);
}

TEST(Mongodb, TakesEveryCharacterOfAnAccount) {
  MongodbScript script;
  script.user = "o'b\"r\\@:/?#=2C=3D%41";  // as SCRAM writes , and =
  script.password = "p'w\"\\@:/?#[],=%41 €";
  const ScriptedServer server(script);
  LoginTarget target = App(server.port());
  target.user = "o'b\"r\\@:/?#,=%41";
  target.password = script.password;
  const LoginResult result = TryLogin(target);
  EXPECT_EQ(result.outcome, LoginOutcome::kProved) << result.message;
  for (const std::string& odd : {std::string("\xff\xfe"), std::string(300'000, 'x')}) {
    target.password = odd;
    EXPECT_EQ(TryLogin(target).outcome, LoginOutcome::kRefused);
    target.user = odd;
    EXPECT_EQ(TryLogin(target).outcome, LoginOutcome::kRefused);
  }
  target.statement = "";
  EXPECT_NE(TryLogin(target).outcome, LoginOutcome::kProved);
}

TEST(Mongodb, BelievesNoServerThatDoesNotKnowThePassword) {
  for (const bool speculative : {true, false}) {
    MongodbScript script;
    script.speculative = speculative;
    script.right_signature = false;
    const LoginResult result = TryOn(script);
    EXPECT_EQ(result.outcome, LoginOutcome::kRefused) << result.message;
    EXPECT_NE(result.message.find("could not verify server signature"), std::string::npos)
        << result.message;
  }
}

TEST(Mongodb, ExplainsWhatTheServerSays) {
  const struct {
    const char* command;
    MongodbScript::Failure failure;
    LoginOutcome outcome;
  } cases[] = {
      {"ping", {13, "not authorized on app to execute command"}, LoginOutcome::kRefused},
      {"ping", {59, "no such command: 'ping'"}, LoginOutcome::kRefused},
      {"ping", {10107, "not primary"}, LoginOutcome::kNotReady},
      {"ping", {13436, "node is recovering"}, LoginOutcome::kNotReady},
      {"ping", {91, "The server is in quiesce mode and will shut down"}, LoginOutcome::kNotReady},
      {"saslStart", {18, "Authentication failed."}, LoginOutcome::kRefused},
      {"saslStart", {334, "Unsupported mechanism SCRAM-SHA-256"}, LoginOutcome::kRefused},
      {"saslContinue", {11600, "interrupted at shutdown"}, LoginOutcome::kNotReady},
      {"hello", {91, "Server is shutting down"}, LoginOutcome::kNotReady},
  };

  for (const auto& c : cases) {
    MongodbScript script;
    script.speculative = std::string(c.command) != "saslStart";
    script.failures = {{c.command, c.failure}};
    const LoginResult result = TryOn(script);
    EXPECT_EQ(result.outcome, c.outcome) << c.failure.message << ": " << result.message;
  }
}

TEST(Mongodb, TellsThatAServerDoesNotSpeakTls) {
  const ScriptedServer server{MongodbScript()};
  LoginTarget target = App(server.port());
  target.tls = true;
  const LoginResult result = TryLogin(target);
  EXPECT_EQ(result.outcome, LoginOutcome::kUnreachable);
  EXPECT_EQ(result.message, "the server does not speak TLS");
}

TEST(Mongodb, ASecondaryWillDo) {
  MongodbScript script;
  script.primary = false;
  const LoginResult result = TryOn(script);
  EXPECT_EQ(result.outcome, LoginOutcome::kProved) << result.message;
}

TEST(Mongodb, TellsThatNobodyListens) {
  const ClosedPort port;
  EXPECT_EQ(TryLogin(App(port.port())).outcome, LoginOutcome::kNotListening);
}

TEST(Mongodb, TellsThatTheNameLeadsNowhere) {
  LoginTarget target = App(27017);
  target.host = "no-such-host.invalid";
  EXPECT_EQ(TryLogin(target).outcome, LoginOutcome::kUnreachable);
}

TEST(Mongodb, TakesAnAddressWithColons) {
  LoginTarget target = App(27017);
  target.host = "100::1";  // discarded
  target.timeout_ms = 100;
  const LoginResult result = TryLogin(target);
  EXPECT_EQ(result.outcome, LoginOutcome::kUnreachable) << result.message;
}

TEST(Mongodb, DoesNoMoreWorkThanIsSensible) {
  for (const char* iterations : {"2000000000", "99999999999999999999", "1000001"}) {
    MongodbScript script;
    script.iterations = iterations;
    LoginResult result;
    EXPECT_LT(ElapsedMs([&] { result = TryOn(script); }), kPromptMs) << iterations;
    EXPECT_EQ(result.outcome, LoginOutcome::kUnreachable) << result.message;
  }
}

TEST(Mongodb, GivesUpInTimeOnWhateverIsNoServer) {
  using namespace std::string_literals;
  const std::string header = "\x00\x01\x00\x00\x07\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"s;

  const struct {
    const char* what;
    std::function<void(const Peer&)> script;
  } cases[] = {
      {"says nothing", [](const Peer& peer) { peer.ReadAll(); }},
      {"hangs up", [](const Peer&) {}},
      {"garbage",
       [](const Peer& peer) {
         peer.Send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
         peer.ReadAll();
       }},
      {"zeros",
       [](const Peer& peer) {
         peer.Send(std::string(5000, '\0'));
         peer.ReadAll();
       }},
      {"half a reply",
       [&](const Peer& peer) {
         peer.Send(header);
         peer.ReadAll();
       }},
      {"half a reply, hangs up", [&](const Peer& peer) { peer.Send(header); }},
      {"no document",
       [&](const Peer& peer) {
         peer.Send(header + std::string(240, '\xff'));
         peer.ReadAll();
       }},
      {"40 MB",
       [](const Peer& peer) {
         std::string out = "\x00\x00\x80\x02\x07\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"s;
         while (peer.Send(out)) out = std::string(1 << 20, 'x');
       }},
      {"a byte at a time",
       [&](const Peer& peer) {
         for (size_t i = 0; peer.Send(header.substr(std::min(i, header.size() - 1), 1)); ++i)
           std::this_thread::sleep_for(std::chrono::milliseconds(20));
       }},
  };

  for (const auto& c : cases) {
    LoginResult result;
    const ScriptedServer server(c.script);
    LoginTarget target = App(server.port());
    target.timeout_ms = 300;
    for (const bool tls : {false, true}) {
      target.tls = tls;
      EXPECT_LT(ElapsedMs([&] { result = TryLogin(target); }), kPromptMs) << c.what;
      EXPECT_EQ(result.outcome, LoginOutcome::kUnreachable) << c.what << ": " << result.message;
    }
  }
}

TEST(Mongodb, ServesManyThreads) {
  std::atomic<int> proved = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const ScriptedServer server{MongodbScript()};
      LoginTarget target = App(server.port());
      if (i % 2 == 1) target.password = "pw-wrong";
      for (int k = 0; k < 5; ++k) {
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
