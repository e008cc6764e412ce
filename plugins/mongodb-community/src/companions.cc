#include "companions.h"

namespace mongodb {

namespace {

Json Pods(const Instance& instance) {
  return MatchLabels(PodLabels(instance));
}

std::string ServiceHost(const Instance& instance, const Settings& settings) {
  return ServiceName(instance) + "." + instance.ns + ".svc." + settings.Domain();
}

}  // namespace

Json PodLabels(const Instance& instance) {
  return Json::Obj({{"app", ServiceName(instance)}});
}

Json NetworkPolicy(const Instance& instance) {
  // Members reach each other from the first second: they elect a primary before any is ready.
  Json rules =
      Json::Arr({IngressRule(Json::Arr({AnyNamespace(), PodsOf(Pods(instance))}), {kMongodPort})});
  if (instance.pod_monitor)
    rules.Push(IngressRule(Json::Arr({AnyNamespace()}), {kMetricsPortNumber}));
  return IngressPolicy(instance.name, Pods(instance), std::move(rules));
}

Json DisruptionBudget(const Instance& instance) {
  return Budget(instance.name, Pods(instance));
}

Json PodMonitor(const Instance& instance, const Settings& settings) {
  const std::string secret = MetricsName(instance);
  Json endpoint = Json::Obj({{"port", kMetricsPort},
                             {"path", "/metrics"},
                             {"scheme", settings.Tls() ? "https" : "http"},
                             {"interval", "30s"},
                             {"basicAuth", Json::Obj({{"username", KeyRef(secret, "username")},
                                                      {"password", KeyRef(secret, "password")}})}});
  if (settings.Tls()) {
    endpoint.Set("tlsConfig",
                 Json::Obj({{"ca", Json::Obj({{"secret", KeyRef(TlsName(instance), "ca.crt")}})},
                            {"serverName", ServiceHost(instance, settings)}}));
  }
  return Monitor(MetricsName(instance), Pods(instance), Json::Arr({std::move(endpoint)}));
}

Json Certificate(const Instance& instance, const Settings& settings) {
  const std::string host = ServiceHost(instance, settings);
  return Object(kCertificateApi, "Certificate", TlsName(instance),
                Json::Obj({{"secretName", TlsName(instance)},
                           {"duration", "8760h0m0s"},
                           {"renewBefore", "720h0m0s"},
                           {"commonName", instance.name},
                           // Each member's own name, the Service's, and the agent's.
                           {"dnsNames", Json::Arr({"*." + host, host, "localhost"})},
                           {"usages", Json::Arr({"server auth", "client auth"})},
                           {"issuerRef", Json::Obj({{"group", "cert-manager.io"},
                                                    {"kind", settings.tls_issuer_kind},
                                                    {"name", settings.tls_issuer}})}}));
}

}  // namespace mongodb
