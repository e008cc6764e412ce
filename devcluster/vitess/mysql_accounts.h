#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::sim::operators::vitess {

// An account that may log in to a keyspace's database.
struct MysqlAccount {
  std::string user;
  // Hashes of mysql_native_password: "*" and 40 upper-case hex digits. Each of them is accepted, so
  // that a password can be rotated in two steps. Never empty.
  std::vector<std::string> hashes;

  bool operator==(const MysqlAccount&) const = default;
};

// Parses vtgate's users.json: {"app": [{"MysqlNativePassword": "*HEX", "UserData": "app"}]}. An
// entry may have a clear-text Password instead, and a user may have one entry without the list
// around it. kInvalid has the place in `field` and one of these reasons: BadJson, NoUsers, BadUser,
// BadEntry, UnknownField, BadHash, NoPassword.
Result<std::vector<MysqlAccount>> ParseMysqlUsers(std::string_view users_json);

// Returns "*" and the upper-case hex of SHA1(SHA1(password)).
std::string MysqlNativeHash(std::string_view password);
bool IsMysqlNativeHash(std::string_view text);

}  // namespace slipway::sim::operators::vitess
