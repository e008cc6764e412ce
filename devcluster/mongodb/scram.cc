#include "devcluster/mongodb/scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/crypto.h"

namespace slipway::sim::operators::mongodb {

namespace {

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Digest(const EVP_MD* kind, const std::string& text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out, &size, kind, nullptr);
  return {reinterpret_cast<const char*>(out), size};
}

std::string Mac(const EVP_MD* kind, const std::string& key, const std::string& text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(kind, key.data(), static_cast<int>(key.size()), Bytes(text), text.size(), out, &size);
  return {reinterpret_cast<const char*>(out), size};
}

}  // namespace

ScramKeys DeriveScramKeys(ScramHash hash, const std::string& user, const std::string& password,
                          const std::string& salt) {
  const bool sha1 = hash == ScramHash::kSha1;
  const EVP_MD* const kind = sha1 ? EVP_sha1() : EVP_sha256();
  const std::string secret =
      sha1 ? HexEncode(Digest(EVP_md5(), user + ":mongo:" + password)) : password;
  auto salt_bytes = Base64Decode(salt);
  const std::string salted_with = salt_bytes ? *salt_bytes : "";
  std::string salted(static_cast<size_t>(EVP_MD_get_size(kind)), '\0');
  PKCS5_PBKDF2_HMAC(
      secret.data(), static_cast<int>(secret.size()), Bytes(salted_with),
      static_cast<int>(salted_with.size()), sha1 ? kScramSha1Iterations : kScramSha256Iterations,
      kind, static_cast<int>(salted.size()), reinterpret_cast<unsigned char*>(salted.data()));
  return {Base64Encode(Digest(kind, Mac(kind, salted, "Client Key"))),
          Base64Encode(Mac(kind, salted, "Server Key"))};
}

}  // namespace slipway::sim::operators::mongodb
