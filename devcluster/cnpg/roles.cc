#include <algorithm>

#include "devcluster/cnpg/pass.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

Result<void> SetRole(Pass& pass, Json& object, const char* role) {
  Json labels = Json::Obj({{"cnpg.io/instanceRole", role}, {"role", role}});
  return pass.PatchObject(object,
                          Json::Obj({{"metadata", Json::Obj({{"labels", std::move(labels)}})}}));
}

// The ready replica that has received the most WAL; without servers, the first one. "" when no
// replica is ready.
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
  // The WAL receivers of the replicas need time to notice the loss.
  if (!pass.Due("failover", 2000)) return true;
  const std::string successor = Successor(pass);
  if (successor.empty()) return true;
  pass.Event("FailoverTarget", "Failing over from " + current + " to " + successor);
  TRY_VOID(pass.Phase("Failing over", "Failing over from " + current + " to " + successor));
  TRY_VOID(pass.PatchStatus(Target(pass, successor)));
  return true;
}

void PublishPorts(Pass& pass) {
  if (pass.env.runtime == nullptr) return;
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
  const std::string &ns = pass.spec.ns, &name = pass.spec.name;
  pass.PublishPort(ns, name + "-rw", primary);
  pass.PublishPort(ns, name + "-ro", replica);
  pass.PublishPort(ns, name + "-r", replica != 0 ? replica : primary);
}

}  // namespace slipway::sim::operators::cnpg
