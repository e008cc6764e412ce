#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/routes.h"

namespace slipway::api {

// The caller of a request. Immutable.
struct Caller {
  std::string name, role;
  bool all_organizations = false;
  std::vector<std::string> organizations;

  bool Sees(std::string_view organization) const;
  bool May(Access access) const;
};

// The configured tokens. Immutable, any thread.
class TokenTable {
 public:
  explicit TokenTable(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // Finds the caller for an Authorization header. It compares every token, in constant time.
  std::optional<Caller> Authenticate(std::string_view authorization) const;

 private:
  std::vector<Token> tokens_;
};

}  // namespace slipway::api
