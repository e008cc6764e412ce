#include "pipeline/endpoints.h"

#include <algorithm>

#include "pipeline/effects.h"

namespace slipway::pipeline {
namespace {

// A development cluster says in it why a Service leads nowhere.
constexpr char kSimulated[] = "slipway.dev/simulated";

bool IsService(const Json& object) {
  return object["kind"].AsString() == "Service" && object["apiVersion"].AsString() == "v1";
}

// The null value when there is none.
Result<Json> ServiceOf(kube::Cluster& cluster, const Json& description, const std::string& ns,
                       const Json& observed, const std::string& name) {
  for (const Json& object : observed.items())
    if (IsService(object) && object["metadata"]["name"].AsString() == name) return object;
  const auto& watches = description["watches"].items();
  if (std::any_of(watches.begin(), watches.end(), IsService)) return Json();
  return GetOrNull(cluster, {"v1", "Service", ns, name});
}

}  // namespace

Result<Endpoints> ReadEndpoints(kube::Cluster& cluster, const Json& description,
                                const store::InstanceRecord& instance,
                                const std::string& cluster_domain, const Json& outputs,
                                const Json& observed) {
  Endpoints out;
  if (!outputs["endpoints"].is_array()) {
    out.list = Json();
    return out;
  }
  for (const Json& wanted : outputs["endpoints"].items()) {
    const std::string& name = wanted["service"].AsString();
    const int64_t port = wanted["port"].AsInt();
    TRY(const Json service, ServiceOf(cluster, description, instance.ns, observed, name));
    // What an older host stored does not say the Service.
    if (service.is_null() && out.missing.empty())
      out.missing = name.empty() ? wanted["name"].AsString() : name;
    Json endpoint = Json::Obj({{"name", wanted["name"]},
                               {"role", wanted["role"]},
                               {"service", name},
                               {"host", name + "." + instance.ns + "." + cluster_domain},
                               {"port", port}});
    if (wanted["tls"].AsBool()) endpoint.Set("tls", true);
    const Json& ingress = service.At("/status/loadBalancer/ingress/0");
    const std::string address =
        ingress["ip"].is_string() ? ingress["ip"].AsString() : ingress["hostname"].AsString();
    if (address.empty() && out.pending.empty() &&
        service["spec"]["type"].AsString() == "LoadBalancer")
      out.pending = name;
    if (!address.empty())
      endpoint.Set("external", Json::Obj({{"host", address},
                                          {"port", ingress.At("/ports/0/port").AsInt(port)}}));
    if (const Json& reason = service["metadata"]["annotations"][kSimulated]; reason.is_string())
      endpoint.Set("simulated", reason);
    out.list.Push(std::move(endpoint));
  }
  return out;
}

}  // namespace slipway::pipeline
