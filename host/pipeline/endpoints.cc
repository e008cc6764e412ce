#include "pipeline/endpoints.h"

#include <algorithm>

#include "pipeline/effects.h"

namespace slipway::pipeline {
namespace {

// What a development cluster writes on a Service that leads nowhere: the reason.
constexpr char kSimulated[] = "slipway.dev/simulated";

bool IsService(const Json& object) {
  return object["kind"].AsString() == "Service" && object["apiVersion"].AsString() == "v1";
}

// The null value when there is none.
Result<Json> ServiceOf(const TickDeps& deps, const TickContext& context, const Json& observed,
                       const std::string& name) {
  for (const Json& object : observed.items())
    if (IsService(object) && object["metadata"]["name"].AsString() == name) return object;
  const auto& watches = context.engine->description()["watches"].items();
  if (std::any_of(watches.begin(), watches.end(), IsService)) return Json();
  return GetOrNull(deps.cluster, {"v1", "Service", context.instance.ns, name});
}

}  // namespace

Result<std::string> TakeOutputs(const TickDeps& deps, TickContext& context, const Json& outputs,
                                const Json& observed) {
  std::string pending;
  if (!outputs["endpoints"].is_array()) return pending;
  Json endpoints = Json::MakeArray();
  for (const Json& wanted : outputs["endpoints"].items()) {
    const std::string& name = wanted["service"].AsString();
    const int64_t port = wanted["port"].AsInt();
    TRY(const Json service, ServiceOf(deps, context, observed, name));
    Json endpoint =
        Json::Obj({{"name", wanted["name"]},
                   {"role", wanted["role"]},
                   {"host", name + "." + context.instance.ns + "." + deps.options.cluster_domain},
                   {"port", port}});
    if (wanted["tls"].AsBool()) endpoint.Set("tls", true);
    const Json& ingress = service.At("/status/loadBalancer/ingress/0");
    const std::string address =
        ingress["ip"].is_string() ? ingress["ip"].AsString() : ingress["hostname"].AsString();
    if (address.empty() && pending.empty() && service["spec"]["type"].AsString() == "LoadBalancer")
      pending = name;
    if (!address.empty())
      endpoint.Set("external", Json::Obj({{"host", address},
                                          {"port", ingress.At("/ports/0/port").AsInt(port)}}));
    if (const Json& reason = service["metadata"]["annotations"][kSimulated]; reason.is_string())
      endpoint.Set("simulated", reason);
    endpoints.Push(std::move(endpoint));
  }
  if (std::as_const(context.outputs)["endpoints"] != endpoints)
    context.outputs.Set("endpoints", std::move(endpoints));
  return pending;
}

}  // namespace slipway::pipeline
