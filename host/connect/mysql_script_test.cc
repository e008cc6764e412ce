// Plays, packet by packet, servers that Debian lacks and servers that misbehave.
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "connect/login.h"
#include "connect/test_support.h"

namespace slipway::connect {
namespace {

constexpr char kPassword[] = "pw-secret";
const std::string kNonce = "abcdefghijklmnopqrst";  // 20 bytes
constexpr unsigned kTls = 0x800;

std::string Packet(int sequence, const std::string& payload) {
  return Number(payload.size(), 3) + static_cast<char>(sequence) + payload;
}

std::string Zero(const std::string& text) {
  return text + '\0';
}

std::string Greeting(const std::string& method, unsigned more_capabilities = 0) {
  // Long passwords, database, LOAD DATA LOCAL, protocol 4.1, real authentication, methods by name.
  const unsigned capabilities =
      0x1u | 0x8u | 0x80u | 0x200u | 0x8000u | 0x80000u | more_capabilities;
  return Packet(0, "\x0a" + Zero("8.0.40") + Number(7, 4) + Zero(kNonce.substr(0, 8)) +
                       Number(capabilities, 2) + "\x2d" + Number(2, 2) +
                       Number(capabilities >> 16, 2) + "\x15" + std::string(10, '\0') +
                       Zero(kNonce.substr(8)) + Zero(method));
}

std::string Failure(int sequence, unsigned code, const std::string& text) {
  return Packet(sequence, "\xff" + Number(code, 2) + "#HY000" + text);
}

std::string Fine(int sequence) {
  return Packet(sequence, std::string("\0\0\0\2\0\0\0", 7));
}

std::string ReadPacket(const Peer& peer) {
  const std::string header = peer.Read(4);
  if (header.size() < 4) return "";
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(header[i])); };
  return peer.Read(byte(0) | byte(1) << 8 | byte(2) << 16);
}

// The answer of caching_sha2_password to kNonce.
std::string Sha2Answer(const std::string& password) {
  const std::string once = Sha256(password);
  std::string out = Sha256(Sha256(once) + kNonce);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ once[i]);
  return out;
}

LoginResult TryOn(const ScriptedServer& server, int64_t timeout_ms = 20'000) {
  return TryLogin(
      {"mysql", "127.0.0.1", server.port(), "app", kPassword, "app", "SELECT 1", timeout_ms});
}

// Accepts any login, then plays `play` after the statement has arrived.
ScriptedServer After(std::function<void(const Peer&)> play) {
  return ScriptedServer([play = std::move(play)](const Peer& peer) {
    peer.Send(Greeting("mysql_native_password"));
    ReadPacket(peer);
    peer.Send(Fine(2));
    for (std::string packet; !(packet = ReadPacket(peer)).empty();) {
      if (packet[0] == '\3' && packet.find("SELECT 1") != std::string::npos) break;
      peer.Send(Fine(1));
    }
    play(peer);
  });
}

TEST(MysqlScript, TellsThatNobodyListens) {
  const ClosedPort port;
  const LoginResult result =
      TryLogin({"mysql", "127.0.0.1", port.port(), "app", kPassword, "app", "SELECT 1", 20'000});
  EXPECT_EQ(result.outcome, LoginOutcome::kNotListening) << result.message;
}

TEST(MysqlScript, SpeaksCachingSha2) {
  const ScriptedServer server([](const Peer& peer) {
    peer.Send(Greeting("caching_sha2_password"));
    const bool right = ReadPacket(peer).find(Sha2Answer(kPassword)) != std::string::npos;
    if (!right) {
      peer.Send(Failure(2, 1045, "Access denied for user 'app'"));
      return;
    }
    peer.Send(Packet(2, "\1\3") + Fine(3));
    while (!ReadPacket(peer).empty()) peer.Send(Fine(1));
  });
  const LoginResult right = TryOn(server);
  EXPECT_EQ(right.outcome, LoginOutcome::kProved) << right.message;
  const LoginResult wrong =
      TryLogin({"mysql", "127.0.0.1", server.port(), "app", "pw-wrong", "", "SELECT 1", 20'000});
  EXPECT_EQ(wrong.outcome, LoginOutcome::kRefused);
  EXPECT_EQ(wrong.message, "Access denied for user 'app'");
  const LoginResult insisting = TryLogin(
      {"mysql", "127.0.0.1", server.port(), "app", kPassword, "", "SELECT 1", 20'000, true});
  EXPECT_EQ(insisting.outcome, LoginOutcome::kUnreachable);
  EXPECT_EQ(insisting.message, "the server does not speak TLS");
}

TEST(MysqlScript, WaitsForAServerThatIsNotReady) {
  const struct {
    unsigned code;
    const char* text;
    LoginOutcome outcome;
  } cases[] = {
      {1040, "Too many connections", LoginOutcome::kNotReady},
      {1053, "Server shutdown in progress", LoginOutcome::kNotReady},
      {1105, "target: app.-.primary: primary is not serving, there is a reparent operation",
       LoginOutcome::kNotReady},
      {1105, "target: app.-.primary: no healthy tablet available for 'keyspace:\"app\"'",
       LoginOutcome::kNotReady},
      {1105, "syntax error at position 7", LoginOutcome::kRefused},
      {1049, "VT05003: unknown database 'app' in vschema", LoginOutcome::kRefused},
      {1044, "Access denied for user 'app' to database 'app'", LoginOutcome::kRefused},
  };

  for (const auto& c : cases) {
    const ScriptedServer at_once([&](const Peer& peer) { peer.Send(Failure(0, c.code, c.text)); });
    EXPECT_EQ(TryOn(at_once).outcome, c.outcome) << c.text;
    const ScriptedServer later =
        After([&](const Peer& peer) { peer.Send(Failure(1, c.code, c.text)); });
    const LoginResult result = TryOn(later);
    EXPECT_EQ(result.outcome, c.outcome) << c.text;
    EXPECT_EQ(result.message, c.text);
  }
}

TEST(MysqlScript, NeverSendsThePasswordAsItIs) {
  for (const char* method :
       {"mysql_clear_password", "dialog", "sha256_password", "client_ed25519", "../../evil"}) {
    std::string sent;
    {
      const ScriptedServer server([&](const Peer& peer) {
        peer.Send(Greeting("mysql_native_password"));
        ReadPacket(peer);
        peer.Send(Packet(2, "\xfe" + Zero(method) + Zero("Password: ")));
        sent = peer.ReadAll();
      });
      const LoginResult result = TryOn(server);
      EXPECT_NE(result.outcome, LoginOutcome::kProved) << method;
      EXPECT_NE(result.outcome, LoginOutcome::kUnreachable) << method << ": " << result.message;
    }
    EXPECT_EQ(sent.find(kPassword), std::string::npos) << method;
  }
}

TEST(MysqlScript, ShowsNoFileToAServerThatAsks) {
  std::string sent;
  {
    const ScriptedServer server = After([&](const Peer& peer) {
      peer.Send(Packet(1, "\xfb/etc/passwd"));
      sent = peer.ReadAll();
    });
    EXPECT_NE(TryOn(server, 300).outcome, LoginOutcome::kProved);
  }
  EXPECT_EQ(sent.find("root"), std::string::npos);
}

TEST(MysqlScript, KeepsThePasswordOutOfWhatTheServerSays) {
  const ScriptedServer server([](const Peer& peer) {
    peer.Send(Failure(0, 1045, std::string("no \xff\xfe\n") + kPassword + std::string(900, 'x')));
  });
  const LoginResult result = TryOn(server);
  EXPECT_EQ(result.message.find(kPassword), std::string::npos);
  EXPECT_EQ(result.message.rfind("no ???x", 0), 0u) << result.message;
  EXPECT_LE(result.message.size(), 400u);
}

TEST(MysqlScript, GivesUpInTimeOnWhateverIsNoServer) {
  const std::string greeting = Greeting("mysql_native_password");

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
      {"half a packet",
       [&](const Peer& peer) {
         peer.Send(greeting.substr(0, greeting.size() / 2));
         peer.ReadAll();
       }},
      {"half a packet, hangs up",
       [&](const Peer& peer) { peer.Send(greeting.substr(0, greeting.size() / 2)); }},
      {"16 MB", [](const Peer& peer) { peer.Send(Packet(0, std::string((16 << 20) - 2, 'x'))); }},
      {"a byte at a time",
       [](const Peer& peer) {
         while (peer.Send("\1")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
       }},
      {"offers TLS, then nothing",
       [](const Peer& peer) {
         peer.Send(Greeting("mysql_native_password", kTls));
         peer.ReadAll();
       }},
      {"offers TLS, then garbage",
       [](const Peer& peer) {
         peer.Send(Greeting("mysql_native_password", kTls));
         peer.Send("not TLS at all");
         peer.ReadAll();
       }},
      {"nothing after the login",
       [](const Peer& peer) {
         peer.Send(Greeting("mysql_native_password"));
         peer.ReadAll();
       }},
  };

  for (const auto& c : cases) {
    LoginResult result;
    const ScriptedServer server(c.script);
    EXPECT_LT(ElapsedMs([&] { result = TryOn(server, 300); }), kPromptMs) << c.what;
    EXPECT_EQ(result.outcome, LoginOutcome::kUnreachable) << c.what << ": " << result.message;
  }
}

TEST(MysqlScript, StopsAServerThatNeverStops) {
  const std::string column =
      "\3def" + std::string(3, '\0') + std::string("\1a\0\x0c\x2d\0\1\0\0\0\3\0\0\0\0\0", 16);

  const struct {
    const char* what;
    LoginOutcome outcome;
    std::function<void(const Peer&)> script;
  } cases[] = {
      {"rows", LoginOutcome::kProved,
       [&](const Peer& peer) {
         std::string out =
             Packet(1, "\1") + Packet(2, column) + Packet(3, std::string("\xfe\0\0\2\0", 5));
         for (int i = 4; peer.Send(out); ++i) out = Packet(i, "\1x");
       }},
      {"columns", LoginOutcome::kUnreachable,
       [&](const Peer& peer) {
         std::string out = Packet(1, "\xfd\xff\xff\xff");
         for (int i = 2; peer.Send(out); ++i) out = Packet(i, column);
       }},
      {"more columns than there is memory for", LoginOutcome::kUnreachable,
       [](const Peer& peer) {
         peer.Send(Packet(1, "\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"));
         peer.ReadAll();
       }},
  };

  for (const auto& c : cases) {
    LoginResult result;
    const ScriptedServer server = After(c.script);
    EXPECT_LT(ElapsedMs([&] { result = TryOn(server, 600); }), kPromptMs) << c.what;
    EXPECT_EQ(result.outcome, c.outcome) << c.what << ": " << result.message;
  }
}

}  // namespace
}  // namespace slipway::connect
