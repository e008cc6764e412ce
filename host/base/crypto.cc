#include "base/crypto.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

namespace slipway {
namespace {

constexpr size_t kKey = 32, kNonce = 12, kTag = 16;

const unsigned char* Bytes(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

unsigned char* Bytes(std::string& s) {
  return reinterpret_cast<unsigned char*>(s.data());
}

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "slipway: %s failed\n", what);
  std::abort();
}

void Check(bool ok, const char* what) {
  if (!ok) Die(what);
}

}  // namespace

std::string Sha256(std::string_view data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  SHA256(Bytes(data), data.size(), Bytes(out));
  return out;
}

std::string Sha1(std::string_view data) {
  std::string out(SHA_DIGEST_LENGTH, '\0');
  SHA1(Bytes(data), data.size(), Bytes(out));
  return out;
}

std::string Sha256Hex(std::string_view data) {
  return HexEncode(Sha256(data));
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  unsigned int n = 0;
  Check(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(data), data.size(),
             Bytes(out), &n) != nullptr,
        "HMAC");
  return out;
}

std::string RandomBytes(size_t n) {
  std::string out(n, '\0');
  Check(RAND_bytes(Bytes(out), static_cast<int>(n)) == 1, "RAND_bytes");
  return out;
}

std::string RandomAlnum(size_t n) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  while (out.size() < n) {
    for (const char c : RandomBytes(2 * n)) {
      const auto byte = static_cast<unsigned char>(c);
      // 248 = 4 × 62: higher bytes would favour the front of the alphabet.
      if (byte < 248 && out.size() < n) out += kAlphabet[byte % 62];
    }
  }
  return out;
}

std::string HexEncode(std::string_view data) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(data.size() * 2);
  for (const char c : data) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string Base64Encode(std::string_view data) {
  std::string out(4 * ((data.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(Bytes(out), Bytes(data), static_cast<int>(data.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

Result<std::string> Base64Decode(std::string_view text) {
  const Error bad{Code::kInvalid, "BadBase64", "not base64"};
  if (text.size() % 4 != 0) return bad;
  if (text.empty()) return std::string();
  for (const char c : text) {
    if (c <= ' ') return bad;  // OpenSSL skips white space; we do not
  }
  std::string out(3 * (text.size() / 4), '\0');
  const int n = EVP_DecodeBlock(Bytes(out), Bytes(text), static_cast<int>(text.size()));
  if (n < 0) return bad;
  size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<size_t>(n) - padding);
  return out;
}

std::string Base64UrlEncode(std::string_view data) {
  std::string out = Base64Encode(data);
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

Result<std::string> Base64UrlDecode(std::string_view text) {
  std::string standard(text);
  for (char& c : standard) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (standard.size() % 4 != 0) standard += '=';
  return Base64Decode(standard);
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string AesGcmSeal(std::string_view key, std::string_view plaintext, std::string_view aad) {
  Check(key.size() == kKey, "AES key size");
  const std::string nonce = RandomBytes(kNonce);
  std::string body(plaintext.size(), '\0'), tag(kTag, '\0');
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int n = 0;
  Check(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key),
                           Bytes(std::string_view(nonce))) == 1,
        "EVP_EncryptInit");
  Check(
      EVP_EncryptUpdate(context.get(), nullptr, &n, Bytes(aad), static_cast<int>(aad.size())) == 1,
      "GCM aad");
  Check(EVP_EncryptUpdate(context.get(), Bytes(body), &n, Bytes(plaintext),
                          static_cast<int>(plaintext.size())) == 1,
        "GCM body");
  Check(EVP_EncryptFinal_ex(context.get(), Bytes(body) + n, &n) == 1, "GCM final");
  Check(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag, tag.data()) == 1, "GCM tag");
  return nonce + body + tag;
}

Result<std::string> AesGcmOpen(std::string_view key, std::string_view sealed,
                               std::string_view aad) {
  const Error broken{Code::kInternal, "SealBroken", "this key does not open it at this place"};
  if (key.size() != kKey || sealed.size() < kNonce + kTag) return broken;
  const std::string_view nonce = sealed.substr(0, kNonce),
                         tag = sealed.substr(sealed.size() - kTag);
  const std::string_view body = sealed.substr(kNonce, sealed.size() - kNonce - kTag);
  std::string plain(body.size(), '\0');
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int n = 0;
  if (EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)) !=
          1 ||
      EVP_DecryptUpdate(context.get(), nullptr, &n, Bytes(aad), static_cast<int>(aad.size())) !=
          1 ||
      EVP_DecryptUpdate(context.get(), Bytes(plain), &n, Bytes(body),
                        static_cast<int>(body.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag,
                          const_cast<char*>(tag.data())) != 1 ||
      EVP_DecryptFinal_ex(context.get(), Bytes(plain) + n, &n) != 1) {
    Wipe(plain);
    return broken;
  }
  return plain;
}

void Wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace slipway
