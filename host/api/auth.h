#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/routes.h"

namespace slipway::api {

// Who asks. Immutable.
struct Caller {
  std::string name, role;
  bool all_organizations = false;
  std::vector<std::string> organizations;

  bool Sees(std::string_view organization) const;
  bool May(Access access) const;
};

// The tokens of the configuration. Immutable, any thread.
class TokenTable {
 public:
  explicit TokenTable(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // The value of an Authorization header → the caller. Every token is compared, in constant time.
  std::optional<Caller> Authenticate(std::string_view authorization) const;

 private:
  std::vector<Token> tokens_;
};

}  // namespace slipway::api
