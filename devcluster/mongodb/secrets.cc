#include "devcluster/mongodb/secrets.h"

#include "base/crypto.h"
#include "devcluster/mongodb/replica_set_objects.h"
#include "devcluster/mongodb/scram.h"

namespace slipway::sim::operators::mongodb {

namespace {

constexpr size_t kSha1Salt = 16, kSha256Salt = 28;

std::string UserPart(const std::string& text, bool percent) {
  static constexpr std::string_view kPlain = "-_.~";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kPlain.find(c) != std::string_view::npos;
    const bool left = percent && std::string_view("$&+=;,").find(c) != std::string_view::npos;
    if (plain || left)
      out += c;
    else if (c == ' ' && !percent)
      out += '+';
    else
      out += "%" + HexEncode(std::string(1, c));
  }
  for (size_t at = out.find('%'); at != std::string::npos; at = out.find('%', at + 1))
    for (size_t digit = at + 1; digit < at + 3; ++digit)
      if (out[digit] >= 'a') out[digit] = static_cast<char>(out[digit] - 'a' + 'A');
  return out;
}

}  // namespace

Json SecretOf(const InstanceSpec& spec, const std::string& name,
              std::initializer_list<std::pair<const char*, std::string>> data) {
  Json encoded = Json::MakeObject();
  for (const auto& [key, value] : data) encoded.Set(key, Base64Encode(value));
  return Json::Obj({{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"metadata", Owned(spec, name)},
                    {"type", "Opaque"},
                    {"data", std::move(encoded)}});
}

std::string SecretValue(const Json& secret, const std::string& key) {
  auto value = Base64Decode(secret["data"][key].AsString());
  return value ? *value : "";
}

Json ScramSecret(const InstanceSpec& spec, const User& user, const std::string& password) {
  const std::string sha1 = Base64Encode(RandomBytes(kSha1Salt)),
                    sha256 = Base64Encode(RandomBytes(kSha256Salt));
  const ScramKeys one = DeriveScramKeys(ScramHash::kSha1, user.name, password, sha1),
                  two = DeriveScramKeys(ScramHash::kSha256, user.name, password, sha256);
  return SecretOf(spec, user.scram_secret,
                  {{"sha1-salt", sha1},
                   {"sha256-salt", sha256},
                   {"sha-1-server-key", one.server},
                   {"sha-1-stored-key", one.stored},
                   {"sha-256-server-key", two.server},
                   {"sha-256-stored-key", two.stored}});
}

bool ScramFits(const Json& secret, const std::string& password) {
  const std::string salt = SecretValue(secret, "sha256-salt");
  return !salt.empty() && SecretValue(secret, "sha-256-stored-key") ==
                              DeriveScramKeys(ScramHash::kSha256, "", password, salt).stored;
}

Json ConnectionSecret(const InstanceSpec& spec, const Release& release, const User& user,
                      const std::string& password) {
  const std::string login = user.external() ? ""
                                            : UserPart(user.name, release.percent_encodes) + ":" +
                                                  UserPart(password, release.percent_encodes) + "@";
  const std::string rest =
      "/" + user.database + "?replicaSet=" + spec.name + "&ssl=" + (spec.tls ? "true" : "false") +
      ConnectionOptions(spec.spec["additionalConnectionStringConfig"], user.options);
  Json out = SecretOf(
      spec, user.connection_secret,
      {{"connectionString.standard", "mongodb://" + login + spec.hosts(spec.members) + rest},
       {"connectionString.standardSrv",
        "mongodb+srv://" + login + spec.service() + "." + spec.ns + ".svc." + spec.domain + rest},
       {"password", password},
       {"username", user.name}});
  if (user.annotations.is_object()) out["metadata"].Set("annotations", user.annotations);
  return out;
}

Json TlsSecret(const InstanceSpec& spec, const char* suffix, const std::string& pem) {
  const std::string file = Sha256Hex(pem) + ".pem";
  return SecretOf(spec, spec.secret(suffix), {{file.c_str(), pem}});
}

}  // namespace slipway::sim::operators::mongodb
