#include <algorithm>

#include "sim/cnpg/objects_json.h"
#include "sim/cnpg/pass.h"

namespace slipway::sim::cnpg {

namespace {

Result<void> SetRole(Pass& pass, Json& object, const char* role) {
  Json labels = Json::Obj({{"cnpg.io/instanceRole", role}, {"role", role}});
  return pass.PatchObject(object,
                          Json::Obj({{"metadata", Json::Obj({{"labels", std::move(labels)}})}}));
}

// The ready replica that has received most; the first by name when nobody can tell.
std::string Successor(Pass& pass) {
  std::string best;
  uint64_t furthest = 0;
  for (const Json& pod : pass.pods) {
    if (NameOf(pod) == pass.current_primary() || !PodActive(pod) || !PodReady(pod)) continue;
    const uint64_t position =
        pass.env.runtime == nullptr ? 0 : pass.env.runtime->Probe(pass.VolumeKey(NameOf(pod)));
    if (!best.empty() && position <= furthest) continue;
    best = NameOf(pod);
    furthest = position;
  }
  return best;
}

Json Target(Pass& pass, const std::string& name) {
  return Json::Obj({{"targetPrimary", name}, {"targetPrimaryTimestamp", MicroTime(pass.now())}});
}

Result<void> PublishPort(Pass& pass, const std::string& service, int port) {
  const std::string text = std::to_string(port);
  const auto known = pass.memory.ingress.find(service);
  // Right after a start the servers come back on the ports that are written already.
  if (known == pass.memory.ingress.end() ? port == 0 : known->second == text) return {};
  Json ingress;
  if (port != 0)
    ingress = Json::Arr(
        {Json::Obj({{"ip", "127.0.0.1"},
                    {"ports", Json::Arr({Json::Obj({{"port", port}, {"protocol", "TCP"}})})}})});
  const kube::ObjectRef ref{"v1", "Service", pass.spec.ns, service};
  const auto patch = [&](const char* where, Json value, const char* subresource) {
    Json change = Json::MakeObject();
    change.SetAt(where, std::move(value));
    auto patched = pass.env.kube.Patch(ref, kube::PatchType::kMerge, change, subresource);
    if (!patched && patched.error().code != Code::kNotFound) return Result<void>(patched.error());
    return Result<void>();
  };
  // An API server lets a service of this type alone say how it is reached from outside.
  if (known == pass.memory.ingress.end()) TRY_VOID(patch("/spec/type", "LoadBalancer", ""));
  TRY_VOID(patch("/status/loadBalancer", Json::Obj({{"ingress", std::move(ingress)}}), "status"));
  pass.memory.ingress[service] = text;
  return {};
}

}  // namespace

Result<void> LabelRoles(Pass& pass) {
  const std::string current = pass.current_primary();
  if (current.empty() || pass.target_primary() != current) return {};
  for (Json& volume : pass.volumes)
    TRY_VOID(SetRole(pass, volume,
                     LabelOf(volume, "cnpg.io/instanceName") == current ? "primary" : "replica"));
  for (Json& pod : pass.pods)
    if (PodRunning(pod) && !BeingDeleted(pod))
      TRY_VOID(SetRole(pass, pod, NameOf(pod) == current ? "primary" : "replica"));
  return {};
}

Result<bool> ReconcileRoles(Pass& pass) {
  const std::string current = pass.current_primary();
  if (current.empty()) return false;
  Json* primary = pass.FindPod(current);
  const bool alive = primary != nullptr && PodActive(*primary) && PodReady(*primary);
  const bool pending = pass.target_primary() == "pending";
  if (alive) {
    pass.memory.restarting_primary.clear();
    if (pending) TRY_VOID(pass.PatchStatus(Target(pass, current)));
    return false;
  }
  if (pass.memory.restarting_primary == current) return false;
  const bool candidates = std::any_of(pass.pods.begin(), pass.pods.end(), [&](const Json& pod) {
    return NameOf(pod) != current && PodActive(pod) && PodReady(pod);
  });
  if (!candidates) {
    if (pending) TRY_VOID(pass.PatchStatus(Target(pass, current)));
    return false;
  }
  if (!pending) {
    pass.Event("FailingOver",
               "Current primary isn't healthy, initiating a failover from " + current);
    TRY_VOID(pass.Phase("Failing over", "Initiating a failover from " + current));
    TRY_VOID(pass.PatchStatus(Target(pass, "pending")));
    pass.memory.since.erase("failover");
    if (primary != nullptr && !BeingDeleted(*primary))
      TRY_VOID(SetRole(pass, *primary, "unhealthy"));
  }
  // The replicas' WAL receivers have to notice.
  if (!pass.Due("failover", 2000)) return true;
  const std::string successor = Successor(pass);
  if (successor.empty()) return true;
  pass.Event("FailoverTarget", "Failing over from " + current + " to " + successor);
  TRY_VOID(pass.Phase("Failing over", "Failing over from " + current + " to " + successor));
  TRY_VOID(pass.PatchStatus(Target(pass, successor)));
  return true;
}

Result<void> PublishPorts(Pass& pass) {
  if (pass.env.runtime == nullptr) return {};
  int primary = 0, replica = 0;
  const std::string current = pass.current_primary();
  for (const Json& pod : pass.pods) {
    if (!PodActive(pod) || !PodReady(pod)) continue;
    const PostgresRuntime::State state = pass.env.runtime->Get(pass.VolumeKey(NameOf(pod)));
    if (!state.running) continue;
    if (NameOf(pod) == current && state.primary && pass.target_primary() == current)
      primary = state.port;
    else if (NameOf(pod) != current && replica == 0)
      replica = state.port;
  }
  TRY_VOID(PublishPort(pass, pass.spec.name + "-rw", primary));
  TRY_VOID(PublishPort(pass, pass.spec.name + "-ro", replica));
  return PublishPort(pass, pass.spec.name + "-r", replica != 0 ? replica : primary);
}

}  // namespace slipway::sim::cnpg
