#include "devcluster/cnpg/pass.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

constexpr char kCondition[] = "cnpg.io/hibernation";

void Forget(Json& conditions) {
  for (auto it = conditions.items().begin(); it != conditions.items().end(); ++it) {
    if ((*it)["type"].AsString() != kCondition) continue;
    conditions.items().erase(it);
    return;
  }
}

bool Known(const Json& conditions) {
  for (const Json& condition : conditions.items())
    if (condition["type"].AsString() == kCondition)
      return condition["reason"].AsString() != "WaitingForHealthy";
  return false;
}

}  // namespace

void HibernationCondition(const Pass& pass, Json& conditions) {
  if (!pass.spec.hibernated) return Forget(conditions);
  const auto set = [&](bool done, const char* reason, const std::string& message) {
    SetCondition(conditions, kCondition, done, reason, message, pass.now());
  };
  if (!Known(conditions) && pass.status()["phase"].AsString() != "Cluster in healthy state")
    return set(false, "WaitingForHealthy", "Hibernation is waiting for the cluster to be healthy");
  if (pass.pods.empty()) return set(true, "Hibernated", "Cluster has been hibernated");
  for (const Json& pod : pass.pods)
    if (BeingDeleted(pod))
      return set(false, "WaitingPodsDeletion", "Waiting for " + NameOf(pod) + " to be deleted");
  set(false, "DeletingPods", "Hibernation is in progress");
}

Result<bool> ReconcileHibernation(Pass& pass) {
  const std::string& reason = ConditionOf(pass.cluster, kCondition)["reason"].AsString();
  if (reason.empty() || reason == "WaitingForHealthy") return false;
  if (reason != "DeletingPods" || pass.pods.empty()) return true;
  const Json* primary = pass.FindPod(pass.current_primary());
  TRY_VOID(pass.DeleteObject(primary != nullptr ? *primary : pass.pods.front()));
  return true;
}

}  // namespace slipway::sim::operators::cnpg
