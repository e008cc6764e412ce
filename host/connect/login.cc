#include "connect/login.h"

#include "connect/postgres.h"

namespace slipway::connect {

LoginResult TryLogin(const LoginTarget& target) {
  if (target.protocol == "postgresql") return TryPostgresLogin(target);
  return {LoginOutcome::kNoConnector, "no connector for protocol " + target.protocol};
}

}  // namespace slipway::connect
