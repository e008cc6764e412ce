#include "devcluster/vitess/mysql_accounts.h"

#include <algorithm>
#include <cctype>

#include "base/crypto.h"
#include "base/json.h"

namespace slipway::sim::operators::vitess {

namespace {

Error Refused(const char* reason, const std::string& what, const std::string& where) {
  return Error{Code::kInvalid, reason, "users.json" + where + ": " + what, where};
}

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// MariaDB accepts no longer names. An empty name would be the anonymous account.
bool IsUserName(const std::string& text) {
  return !text.empty() && text.size() <= 128 &&
         std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < ' ' || c == 0x7F; });
}

// Returns the password hash of an entry.
Result<std::string> ParseEntry(const Json& entry, const std::string& where) {
  if (!entry.is_object()) return Refused("BadEntry", "is not an object", where);
  std::string hash;
  for (const auto& [name, value] : entry.members()) {
    const std::string at = where + "/" + Json::EscapePointer(name);
    if (name == "MysqlNativePassword") {
      if (!IsMysqlNativeHash(value.AsString()))
        return Refused("BadHash", "is not * and 40 hex digits", at);
      hash = Upper(value.AsString());
    } else if (name == "Password") {
      if (!value.is_string()) return Refused("BadEntry", "is not a string", at);
      // Like vtgate, we use the clear text only when there is no hash.
      if (hash.empty() && !value.AsString().empty()) hash = MysqlNativeHash(value.AsString());
    } else if (name != "UserData" && name != "SourceHost" && name != "Groups") {
      return Refused("UnknownField", "is not known to vtgate", at);
    }
  }
  if (hash.empty()) return Refused("NoPassword", "has no password", where);
  return hash;
}

}  // namespace

bool IsMysqlNativeHash(std::string_view text) {
  return text.size() == 41 && text[0] == '*' &&
         std::all_of(text.begin() + 1, text.end(),
                     [](unsigned char c) { return std::isxdigit(c) != 0; });
}

std::string MysqlNativeHash(std::string_view password) {
  return "*" + Upper(HexEncode(Sha1(Sha1(password))));
}

Result<std::vector<MysqlAccount>> ParseMysqlUsers(std::string_view users_json) {
  TRY(const Json users, Json::Parse(users_json));
  if (!users.is_object() || users.empty()) return Refused("NoUsers", "names no user", "");
  std::vector<MysqlAccount> out;
  for (const auto& [user, entries] : users.members()) {
    const std::string where = "/" + Json::EscapePointer(user);
    if (!IsUserName(user)) return Refused("BadUser", "is no name for an account", where);
    MysqlAccount account{user, {}};
    const auto add = [&account](const std::string& hash) {
      if (std::find(account.hashes.begin(), account.hashes.end(), hash) == account.hashes.end())
        account.hashes.push_back(hash);
    };
    if (entries.is_array()) {
      for (size_t i = 0; i < entries.size(); ++i) {
        TRY(const std::string hash, ParseEntry(entries[i], where + "/" + std::to_string(i)));
        add(hash);
      }
      if (entries.empty()) return Refused("NoPassword", "has no entry", where);
    } else {
      TRY(const std::string hash, ParseEntry(entries, where));
      add(hash);
    }
    out.push_back(std::move(account));
  }
  return out;
}

}  // namespace slipway::sim::operators::vitess
