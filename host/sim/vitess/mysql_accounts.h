#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::sim::operators::vitess {

// Who may log in to a keyspace's database.
struct MysqlAccount {
  std::string user;
  // Of mysql_native_password, "*" and 40 upper-case hex digits. Any of them opens the door, so a
  // password can be rotated in two steps. Never empty.
  std::vector<std::string> hashes;

  bool operator==(const MysqlAccount&) const = default;
};

// vtgate's users.json: {"app": [{"MysqlNativePassword": "*HEX", "UserData": "app"}]}. An entry may
// have a clear-text Password instead, and a user one entry without the list around it. kInvalid
// with the place in `field`: BadJson, NoUsers, BadUser, BadEntry, UnknownField, BadHash,
// NoPassword.
Result<std::vector<MysqlAccount>> ParseMysqlUsers(std::string_view users_json);

// "*" and the upper-case hex of SHA1(SHA1(password)).
std::string MysqlNativeHash(std::string_view password);
bool IsMysqlNativeHash(std::string_view text);

}  // namespace slipway::sim::operators::vitess
