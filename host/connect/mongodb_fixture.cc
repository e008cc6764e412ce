#include "connect/mongodb_fixture.h"

#include <cstring>

#include <bson/bson.h>
#include <openssl/evp.h>

#include "base/crypto.h"

namespace slipway::connect {
namespace {

constexpr int32_t kReply = 1, kQuery = 2004, kMessage = 2013;

int32_t NumberAt(const std::string& text, size_t at) {
  int32_t out = 0;
  if (at + sizeof out <= text.size()) std::memcpy(&out, text.data() + at, sizeof out);
  return out;
}

class Document {
 public:
  Document() : bson_(bson_new()) {}

  ~Document() { bson_destroy(bson_); }

  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  Document& Int(const char* key, int32_t value) {
    bson_append_int32(bson_, key, -1, value);
    return *this;
  }

  Document& Bool(const char* key, bool value) {
    bson_append_bool(bson_, key, -1, value);
    return *this;
  }

  Document& Text(const char* key, const std::string& value) {
    bson_append_utf8(bson_, key, -1, value.c_str(), -1);
    return *this;
  }

  Document& Binary(const char* key, const std::string& value) {
    bson_append_binary(bson_, key, -1, BSON_SUBTYPE_BINARY,
                       reinterpret_cast<const uint8_t*>(value.data()),
                       static_cast<uint32_t>(value.size()));
    return *this;
  }

  Document& Nested(const char* key, const Document& value) {
    bson_append_document(bson_, key, -1, value.bson_);
    return *this;
  }

  std::string Bytes() const {
    return {reinterpret_cast<const char*>(bson_get_data(bson_)), bson_->len};
  }

 private:
  bson_t* bson_;
};

// A received command: its name and the members that a login needs.
struct Command {
  int32_t request = 0, opcode = 0;
  std::string name, database, payload;
  bool starts = false;  // saslStart, by itself or inside hello
};

void TakeMember(Command& out, bson_iter_t& member) {
  if (BSON_ITER_IS_KEY(&member, "payload") && BSON_ITER_HOLDS_BINARY(&member)) {
    bson_subtype_t subtype;
    uint32_t size = 0;
    const uint8_t* bytes = nullptr;
    bson_iter_binary(&member, &subtype, &size, &bytes);
    out.payload.assign(reinterpret_cast<const char*>(bytes), size);
  } else if (BSON_ITER_IS_KEY(&member, "$db") || BSON_ITER_IS_KEY(&member, "db")) {
    out.database = bson_iter_utf8(&member, nullptr);
  } else if (BSON_ITER_IS_KEY(&member, "speculativeAuthenticate")) {
    bson_iter_t inner;
    if (!bson_iter_recurse(&member, &inner)) return;
    out.starts = true;
    while (bson_iter_next(&inner)) TakeMember(out, inner);
  }
}

// False when the client is gone or sends a reply without a request. So a server without TLS detects
// a ClientHello and hangs up.
bool ReadCommand(const Peer& peer, Command& out) {
  const std::string header = peer.Read(16);
  if (header.size() < 16 || NumberAt(header, 8) != 0) return false;
  const std::string body = peer.Read(static_cast<size_t>(NumberAt(header, 0)) - header.size());
  out.request = NumberAt(header, 4);
  out.opcode = NumberAt(header, 12);
  // Skips the flags, then a section kind, or "NAME\0", numberToSkip and numberToReturn.
  const size_t at = out.opcode == kMessage ? 5 : body.find('\0', 4) + 9;
  bson_t document;
  bson_iter_t member;
  if (at >= body.size() ||
      !bson_init_static(&document, reinterpret_cast<const uint8_t*>(body.data()) + at,
                        static_cast<size_t>(NumberAt(body, at))) ||
      !bson_iter_init(&member, &document) || !bson_iter_next(&member))
    return false;
  out.name = bson_iter_key(&member);
  out.starts = out.name == "saslStart";
  while (bson_iter_next(&member)) TakeMember(out, member);
  return true;
}

void Answer(const Peer& peer, const Command& command, const Document& document) {
  const bool old = command.opcode == kQuery;
  const std::string body =
      (old ? Number(8, 4) + Number(0, 8) + Number(0, 4) + Number(1, 4) : Number(0, 5)) +
      document.Bytes();
  peer.Send(Number(body.size() + 16, 4) + Number(7, 4) +
            Number(static_cast<uint32_t>(command.request), 4) +
            Number(static_cast<uint32_t>(old ? kReply : kMessage), 4) + body);
}

// Finds the value of "r" in "n=app,r=NONCE".
std::string Attribute(const std::string& text, char name) {
  const size_t at = ("," + text).find(std::string(",") + name + "=");
  if (at == std::string::npos) return "";
  const size_t begin = at + 2;
  return text.substr(begin, text.find(',', begin) - begin);
}

// The server's side of one authentication.
class Scram {
 public:
  explicit Scram(const MongodbScript& script) : script_(script) {}

  std::string First(const std::string& client_first) {
    bare_ = client_first.substr(client_first.find(",,") + 2);
    known_ = Attribute(bare_, 'n') == script_.user;
    server_first_ = "r=" + Attribute(bare_, 'r') + "server,s=" + Base64Encode(kSalt) +
                    ",i=" + script_.iterations;
    return server_first_;
  }

  // False for a wrong password. `out`: the server's signature.
  bool Final(const std::string& client_final, std::string& out) const {
    const std::string message =
        bare_ + "," + server_first_ + "," + client_final.substr(0, client_final.rfind(",p="));
    std::string salted(32, '\0');
    PKCS5_PBKDF2_HMAC(script_.password.data(), static_cast<int>(script_.password.size()),
                      reinterpret_cast<const uint8_t*>(kSalt), sizeof kSalt - 1,
                      std::stoi(script_.iterations), EVP_sha256(), static_cast<int>(salted.size()),
                      reinterpret_cast<uint8_t*>(salted.data()));
    const std::string stored = Sha256(HmacSha256(salted, "Client Key"));
    const std::string signature = HmacSha256(stored, message);
    auto proof = Base64Decode(Attribute(client_final, 'p'));
    if (!known_ || !proof || proof->size() != signature.size()) return false;
    for (size_t i = 0; i < signature.size(); ++i)
      (*proof)[i] = static_cast<char>((*proof)[i] ^ signature[i]);
    out = HmacSha256(HmacSha256(salted, "Server Key"), message);
    if (!script_.right_signature) out[0] = static_cast<char>(out[0] ^ 1);
    return Sha256(*proof) == stored;
  }

 private:
  static constexpr char kSalt[] = "twenty-eight bytes as theirs";

  const MongodbScript& script_;
  std::string bare_, server_first_;
  bool known_ = false;
};

}  // namespace

void MongodbScript::operator()(const Peer& peer) const {
  Scram scram(*this);
  bool trusted = false;
  for (Command command; command = {}, ReadCommand(peer, command);) {
    Document out;
    const auto fail = [&](int code, const std::string& message) {
      out.Int("ok", 0).Text("errmsg", message).Int("code", code).Text("codeName", "Name");
    };
    const bool hello =
        command.name == "hello" || command.name == "isMaster" || command.name == "ismaster";
    const bool start = command.starts && (!hello || speculative) && command.database == database;
    Document first;
    if (start) {
      first.Int("conversationId", 1)
          .Bool("done", false)
          .Binary("payload", scram.First(command.payload));
    }
    const auto failure = failures.find(hello ? "hello" : command.name);
    if (failure != failures.end()) {
      fail(failure->second.code, failure->second.message);
    } else if (hello) {
      out.Bool("ismaster", primary).Bool("secondary", !primary).Int("maxBsonObjectSize", 16 << 20);
      out.Int("maxMessageSizeBytes", 48'000'000).Int("maxWriteBatchSize", 100'000);
      out.Int("minWireVersion", 0).Int("maxWireVersion", 21).Text("setName", "orders");
      if (start) out.Nested("speculativeAuthenticate", first);
      out.Int("ok", 1);
    } else if (start) {
      out.Int("conversationId", 1).Bool("done", false);
      out.Binary("payload", scram.First(command.payload)).Int("ok", 1);
    } else if (command.name == "saslContinue") {
      std::string signature;
      trusted = scram.Final(command.payload, signature);
      if (!trusted) {
        fail(18, "Authentication failed.");
      } else {
        out.Int("conversationId", 1).Bool("done", true);
        out.Binary("payload", "v=" + Base64Encode(signature)).Int("ok", 1);
      }
    } else if (!trusted) {
      fail(command.starts ? 18 : 13, command.starts ? "Authentication failed." : "not authorized");
    } else {
      if (ran != nullptr && command.name != "endSessions")
        *ran += command.name + "@" + command.database + " ";
      out.Int("ok", 1);
    }
    Answer(peer, command, out);
  }
}

}  // namespace slipway::connect
