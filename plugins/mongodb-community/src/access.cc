#include "access.h"

namespace mongodb {

namespace {

Json Named(const char* api, const char* kind, const std::string& name) {
  return Json::Obj(
      {{"apiVersion", api}, {"kind", kind}, {"metadata", Json::Obj({{"name", name}})}});
}

Json Rule(const char* resource, std::initializer_list<Json> verbs) {
  return Json::Obj({{"apiGroups", Json::Arr({""})},
                    {"resources", Json::Arr({resource})},
                    {"verbs", Json::Arr(verbs)}});
}

}  // namespace

Json ServiceAccount(const Instance& instance) {
  return Named("v1", "ServiceAccount", AccountName(instance));
}

Json Role(const Instance& instance) {
  return Named(kRbacApi, "Role", AccountName(instance))
      .Set("rules",
           Json::Arr({Rule("secrets", {"get"}), Rule("pods", {"get", "patch", "delete"})}));
}

Json RoleBinding(const Instance& instance) {
  const std::string name = AccountName(instance);
  return Named(kRbacApi, "RoleBinding", name)
      .Set("roleRef",
           Json::Obj({{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", name}}))
      .Set("subjects",
           Json::Arr({Json::Obj(
               {{"kind", "ServiceAccount"}, {"name", name}, {"namespace", instance.ns}})}));
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
