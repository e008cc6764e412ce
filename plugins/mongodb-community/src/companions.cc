#include "companions.h"

namespace mongodb {

namespace {

Json Object(const char* api, const char* kind, const std::string& name, Json spec) {
  return Json::Obj({{"apiVersion", api},
                    {"kind", kind},
                    {"metadata", Json::Obj({{"name", name}})},
                    {"spec", std::move(spec)}});
}

Json Port(int port) {
  return Json::Obj({{"port", port}, {"protocol", "TCP"}});
}

Json Pods(const Instance& instance) {
  return Json::Obj({{"matchLabels", PodLabels(instance)}});
}

Json KeyOf(const std::string& secret, const char* key) {
  return Json::Obj({{"name", secret}, {"key", key}});
}

std::string ServiceHost(const Instance& instance, const Settings& settings) {
  return ServiceName(instance) + "." + instance.ns + ".svc." + settings.Domain();
}

}  // namespace

Json PodLabels(const Instance& instance) {
  return Json::Obj({{"app", ServiceName(instance)}});
}

Json NetworkPolicy(const Instance& instance) {
  const Json anywhere = Json::Obj({{"namespaceSelector", Json::Obj()}});
  // Members reach each other from the first second: they elect a primary before any is ready.
  Json ingress = Json::Arr(
      {Json::Obj({{"ports", Json::Arr({Port(kMongodPort)})},
                  {"from", Json::Arr({anywhere, Json::Obj({{"podSelector", Pods(instance)}})})}})});
  if (instance.pod_monitor) {
    ingress.Push(Json::Obj(
        {{"ports", Json::Arr({Port(kMetricsPortNumber)})}, {"from", Json::Arr({anywhere})}}));
  }
  return Object(kNetworkPolicyApi, "NetworkPolicy", instance.name,
                Json::Obj({{"podSelector", Pods(instance)},
                           {"policyTypes", Json::Arr({"Ingress"})},
                           {"ingress", std::move(ingress)}}));
}

Json DisruptionBudget(const Instance& instance) {
  return Object(kBudgetApi, "PodDisruptionBudget", instance.name,
                Json::Obj({{"maxUnavailable", 1}, {"selector", Pods(instance)}}));
}

Json PodMonitor(const Instance& instance, const Settings& settings) {
  const std::string secret = MetricsName(instance);
  Json endpoint = Json::Obj({{"port", kMetricsPort},
                             {"path", "/metrics"},
                             {"scheme", settings.Tls() ? "https" : "http"},
                             {"interval", "30s"},
                             {"basicAuth", Json::Obj({{"username", KeyOf(secret, "username")},
                                                      {"password", KeyOf(secret, "password")}})}});
  if (settings.Tls()) {
    endpoint.Set("tlsConfig",
                 Json::Obj({{"ca", Json::Obj({{"secret", KeyOf(TlsName(instance), "ca.crt")}})},
                            {"serverName", ServiceHost(instance, settings)}}));
  }
  return Object(kPodMonitorApi, "PodMonitor", MetricsName(instance),
                Json::Obj({{"selector", Pods(instance)},
                           {"podMetricsEndpoints", Json::Arr({std::move(endpoint)})}}));
}

Json Certificate(const Instance& instance, const Settings& settings) {
  const std::string host = ServiceHost(instance, settings);
  return Object(
      kCertificateApi, "Certificate", TlsName(instance),
      Json::Obj({{"secretName", TlsName(instance)},
                 {"duration", "8760h0m0s"},
                 {"renewBefore", "720h0m0s"},
                 {"commonName", instance.name},
                 // Every member by its own name, all of them by the Service's, and the agent.
                 {"dnsNames", Json::Arr({"*." + host, host, "localhost"})},
                 {"usages", Json::Arr({"server auth", "client auth"})},
                 {"issuerRef", Json::Obj({{"group", "cert-manager.io"},
                                          {"kind", settings.tls_issuer_kind},
                                          {"name", settings.tls_issuer}})}}));
}

}  // namespace mongodb
