#include <utility>

#include <slipway/kit/objects.h>
#include <slipway/kit/quantity.h>

namespace slipway::kit {

Json Object(const char* api, const char* kind, const std::string& name) {
  return Json::Obj({{"apiVersion", api}, {"kind", kind}, {"metadata", NameRef(name)}});
}

Json Object(const char* api, const char* kind, const std::string& name, Json spec) {
  return Object(api, kind, name).Set("spec", std::move(spec));
}

Json ObjectName(const char* api, const char* kind, const std::string& name) {
  return Json::Obj({{"apiVersion", api}, {"kind", kind}, {"name", name}});
}

Json InstanceLabel(const Instance& instance) {
  return Json::Obj({{"slipway.dev/instance", instance.id}});
}

Json MatchLabels(Json labels) {
  return Json::Obj({{"matchLabels", std::move(labels)}});
}

Json NameRef(const std::string& name) {
  return Json::Obj({{"name", name}});
}

Json KeyRef(Json secret, Json key) {
  return Json::Obj({{"name", std::move(secret)}, {"key", std::move(key)}});
}

Json Amounts(int64_t cpu_millis, int64_t memory_bytes) {
  return Json::Obj({{"cpu", FromMillis(cpu_millis)}, {"memory", FromBytes(memory_bytes)}});
}

Json ClaimSpec(const std::string& size, const std::string& storage_class) {
  Json out = Json::Obj({{"accessModes", Json::Arr({"ReadWriteOnce"})},
                        {"resources", Json::Obj({{"requests", Json::Obj({{"storage", size}})}})}});
  if (!storage_class.empty()) out.Set("storageClassName", storage_class);
  return out;
}

Json Spread(const char* topology_key, Json selector) {
  return Json::Obj({{"maxSkew", 1},
                    {"topologyKey", topology_key},
                    {"whenUnsatisfiable", "ScheduleAnyway"},
                    {"labelSelector", std::move(selector)}});
}

Json S3ChecksumEnv() {
  Json out = Json::Arr();
  for (const char* name : {"AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"})
    out.Push(Json::Obj({{"name", name}, {"value", "when_required"}}));
  return out;
}

Json AnyNamespace() {
  return Json::Obj({{"namespaceSelector", Json::Obj()}});
}

Json NamespaceNamed(const std::string& name) {
  return Json::Obj(
      {{"namespaceSelector", MatchLabels(Json::Obj({{"kubernetes.io/metadata.name", name}}))}});
}

Json PodsOf(Json selector) {
  return Json::Obj({{"podSelector", std::move(selector)}});
}

Json IngressRule(Json from, std::initializer_list<int> ports) {
  Json out = Json::Obj();
  if (ports.size() > 0) {
    Json list = Json::Arr();
    for (const int port : ports) list.Push(Json::Obj({{"port", port}, {"protocol", "TCP"}}));
    out.Set("ports", std::move(list));
  }
  return out.Set("from", std::move(from));
}

Json IngressPolicy(const std::string& name, Json pods, Json rules) {
  return Object(kNetworkPolicyApi, "NetworkPolicy", name,
                Json::Obj({{"podSelector", std::move(pods)},
                           {"policyTypes", Json::Arr({"Ingress"})},
                           {"ingress", std::move(rules)}}));
}

Json Budget(const std::string& name, Json pods) {
  return Object(kBudgetApi, "PodDisruptionBudget", name,
                Json::Obj({{"maxUnavailable", 1}, {"selector", std::move(pods)}}));
}

Json PolicyRule(const char* group, Json resources, Json verbs) {
  return Json::Obj({{"apiGroups", Json::Arr({group})},
                    {"resources", std::move(resources)},
                    {"verbs", std::move(verbs)}});
}

Json Access(const Instance& instance, const std::string& name, Json rules) {
  return Json::Arr(
      {Object("v1", "ServiceAccount", name),
       Object(kRbacApi, "Role", name).Set("rules", std::move(rules)),
       Object(kRbacApi, "RoleBinding", name)
           .Set("roleRef",
                Json::Obj(
                    {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", name}}))
           .Set("subjects",
                Json::Arr({Json::Obj(
                    {{"kind", "ServiceAccount"}, {"name", name}, {"namespace", instance.ns}})}))});
}

Json MetricsEndpoint(const char* port) {
  return Json::Obj({{"port", port}, {"path", "/metrics"}, {"interval", "30s"}});
}

Json Monitor(const std::string& name, Json pods, Json endpoints) {
  return Object(
      kPodMonitorApi, "PodMonitor", name,
      Json::Obj({{"selector", std::move(pods)}, {"podMetricsEndpoints", std::move(endpoints)}}));
}

Json QuotaAmounts::ToJson() const {
  return Json::Obj({{"requests.cpu", FromMillis(cpu_millis)},
                    {"requests.memory", FromBytes(memory_bytes)},
                    {"requests.storage", FromBytes(storage_bytes)},
                    {"pods", std::to_string(pods)},
                    {"persistentvolumeclaims", std::to_string(claims)}});
}

}  // namespace slipway::kit
