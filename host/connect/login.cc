#include "connect/login.h"

#include "connect/mongodb.h"
#include "connect/mysql.h"
#include "connect/postgres.h"

namespace slipway::connect {
namespace {

constexpr size_t kLongestMessage = 400;

LoginResult Try(const LoginTarget& target) {
  if (target.protocol == "postgresql") return TryPostgresLogin(target);
  if (target.protocol == "mysql") return TryMysqlLogin(target);
  if (target.protocol == "mongodb") return TryMongodbLogin(target);
  return {LoginOutcome::kNoConnector, "no connector for protocol " + target.protocol};
}

// The text is a server's: any bytes, any length, and perhaps what it was told.
std::string Presentable(std::string text, const std::string& password) {
  for (size_t at = 0; !password.empty() && (at = text.find(password, at)) != std::string::npos;)
    text.replace(at, password.size(), "");
  text.resize(std::min(text.size(), kLongestMessage));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

}  // namespace

LoginResult TryLogin(const LoginTarget& target) {
  LoginResult result = Try(target);
  result.message = Presentable(std::move(result.message), target.password);
  return result;
}

}  // namespace slipway::connect
