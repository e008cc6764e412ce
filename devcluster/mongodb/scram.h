#pragma once

#include <string>

namespace slipway::sim::operators::mongodb {

// What a server stores instead of a password (RFC 5802). The strings are base64.
struct ScramKeys {
  std::string stored, server;
};

enum class ScramHash { kSha1, kSha256 };

inline constexpr int kScramSha1Iterations = 10'000, kScramSha256Iterations = 15'000;

// Derives the keys as MongoDB does; for SHA-1 from a hash of the user's name and the password.
// Pure. It takes some milliseconds on purpose.
ScramKeys DeriveScramKeys(ScramHash hash, const std::string& user, const std::string& password,
                          const std::string& salt);

}  // namespace slipway::sim::operators::mongodb
