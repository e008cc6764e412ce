#include "connect/login.h"

#include "connect/mongodb.h"
#include "connect/mysql.h"
#include "connect/postgres.h"
#include "connect/resolve.h"

namespace slipway::connect {
namespace {

constexpr size_t kLongestMessage = 400;

using Connector = LoginResult (*)(const LoginTarget&, const std::string& address, const Deadline&);

Connector ConnectorOf(const std::string& protocol) {
  if (protocol == "postgresql") return TryPostgresLogin;
  if (protocol == "mysql") return TryMysqlLogin;
  if (protocol == "mongodb") return TryMongodbLogin;
  return nullptr;
}

LoginResult Try(const LoginTarget& target) {
  const Connector connector = ConnectorOf(target.protocol);
  if (connector == nullptr)
    return {LoginOutcome::kNoConnector, "no connector for protocol " + target.protocol};
  const Deadline deadline(target.timeout_ms);
  const Resolved resolved = Resolve(target.host, deadline);
  LoginResult result{LoginOutcome::kUnreachable, resolved.failure};
  for (const std::string& address : resolved.addresses) {
    result = connector(target, address, deadline);
    const bool nobody = result.outcome == LoginOutcome::kNotListening ||
                        result.outcome == LoginOutcome::kUnreachable;
    if (!nobody || deadline.LeftMs() == 0) break;
  }
  return result;
}

}  // namespace

// The text comes from a server. It may have any bytes and any length, and it may repeat our
// password.
std::string Presentable(std::string text, const std::string& password) {
  for (size_t at = 0; !password.empty() && (at = text.find(password, at)) != std::string::npos;)
    text.replace(at, password.size(), "");
  text.resize(std::min(text.size(), kLongestMessage));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

bool ReadsValues(const std::string& protocol) {
  return protocol == "postgresql";
}

LoginResult TryLogin(const LoginTarget& target) {
  LoginResult result = Try(target);
  result.message = Presentable(std::move(result.message), target.password);
  return result;
}

}  // namespace slipway::connect
