#include "api/auth.h"

#include <algorithm>

#include "base/crypto.h"

namespace slipway::api {
namespace {

constexpr std::string_view kScheme = "bearer ";

// "" if the header holds no bearer token.
std::string_view TokenOf(std::string_view header) {
  if (header.size() <= kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i) {
    const char c =
        header[i] >= 'A' && header[i] <= 'Z' ? static_cast<char>(header[i] + 32) : header[i];
    if (c != kScheme[i]) return {};
  }
  header.remove_prefix(kScheme.size());
  while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
  while (!header.empty() && header.back() == ' ') header.remove_suffix(1);
  return header;
}

}  // namespace

bool Caller::Sees(std::string_view organization) const {
  return all_organizations ||
         std::find(organizations.begin(), organizations.end(), organization) != organizations.end();
}

bool Caller::May(Access access) const {
  switch (access) {
    case Access::kPublic:
      return true;
    case Access::kRead:
      return role == "admin" || role == "editor" || role == "viewer";
    case Access::kWrite:
    case Access::kSecrets:
      return role == "admin" || role == "editor";
    case Access::kAdmin:
      return role == "admin";
  }
  return false;
}

std::optional<Caller> TokenTable::Authenticate(std::string_view authorization) const {
  const std::string_view token = TokenOf(authorization);
  if (token.empty()) return std::nullopt;
  const std::string hash = Sha256Hex(token);
  const Token* found = nullptr;
  for (const Token& candidate : tokens_) {
    if (ConstantTimeEqual(candidate.sha256_hex, hash)) found = &candidate;
  }
  if (found == nullptr) return std::nullopt;
  Caller caller{found->name, found->role, false, found->organizations};
  caller.all_organizations = caller.Sees("*");
  return caller;
}

}  // namespace slipway::api
