#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway {

std::string Sha256(std::string_view data);     // 32 raw bytes
std::string Sha256Hex(std::string_view data);  // 64 lower-case digits
std::string Sha1(
    std::string_view data);  // 20 raw bytes; only for formats that demand it, never for safety
std::string HmacSha256(std::string_view key, std::string_view data);
std::string RandomBytes(size_t n);  // from the system; without it the process ends
std::string RandomAlnum(size_t n);  // letters and digits, uniform
std::string HexEncode(std::string_view data);
std::string Base64Encode(std::string_view data);
Result<std::string> Base64Decode(std::string_view text);  // standard alphabet, padding required
std::string Base64UrlEncode(std::string_view data);       // no padding
Result<std::string> Base64UrlDecode(std::string_view text);
bool ConstantTimeEqual(std::string_view a, std::string_view b);

// AES-256-GCM. Sealed form: 12-byte random nonce ‖ ciphertext ‖ 16-byte tag.
// `key` has 32 bytes. Opening needs the same `aad`.
std::string AesGcmSeal(std::string_view key, std::string_view plaintext, std::string_view aad);
// kInternal "SealBroken" when the key, the aad or a byte differs.
Result<std::string> AesGcmOpen(std::string_view key, std::string_view sealed, std::string_view aad);

// Overwrites a secret before its memory is freed.
void Wipe(std::string& secret);

}  // namespace slipway
