#include "access.h"

namespace mongodb {

Json PodAccess(const Instance& instance) {
  return Access(
      instance, AccountName(instance),
      Json::Arr({PolicyRule("", Json::Arr({"secrets"}), Json::Arr({"get"})),
                 PolicyRule("", Json::Arr({"pods"}), Json::Arr({"get", "patch", "delete"}))}));
}

Json PasswordSecret(const Instance& instance) {
  return Secret(PasswordSecretName(instance), Json::Obj({{"password", GeneratedPassword("app")}}));
}

Json MetricsSecret(const Instance& instance) {
  return Secret(MetricsName(instance),
                Json::Obj({{"username", "metrics"}, {"password", GeneratedPassword("metrics")}}));
}

Json TlsSecret(const Instance& instance) {
  return Secret(TlsName(instance), Json::Obj());
}

}  // namespace mongodb
