#include "delete.h"

#include "replica_set.h"

namespace mongodb {

namespace {

constexpr const char* kMonitors[] = {"PodMonitor"};
constexpr const char* kReplicaSets[] = {kReplicaSetKind};
// cert-manager would fill the Secret again while there is a Certificate.
constexpr const char* kAfterwards[] = {
    "PodDisruptionBudget", "Certificate", "NetworkPolicy", "Secret",
    "RoleBinding",         "Role",        "ServiceAccount"};

Json ClaimReference(const Json& claim) {
  const Json& metadata = claim["metadata"];
  return Reference(Json::Obj({{"apiVersion", "v1"},
                              {"kind", "PersistentVolumeClaim"},
                              {"namespace", metadata["namespace"]},
                              {"name", metadata["name"]}}));
}

}  // namespace

Judgement Deletion(const Observed& observed, const Json& inventory, Json& deletions) {
  if (auto step =
          DeleteAll(inventory, kMonitors,
                    {"progressing", "DeletingMonitor", "the PodMonitor is being deleted", 0, {}},
                    deletions)) {
    return *step;
  }
  if (observed.resource == nullptr || !IsGoing(*observed.resource)) {
    if (auto step = DeleteAll(
            inventory, kReplicaSets,
            {"progressing", "DeletingReplicaSet", "the MongoDBCommunity is being deleted", 20, {}},
            deletions)) {
      return *step;
    }
  }
  if (observed.resource != nullptr) return StillThere(*observed.resource, 20);
  for (const auto* kind : {&observed.stateful_sets, &observed.pods}) {
    if (!kind->empty()) return StillThere(*kind->front(), 40);
  }
  if (!observed.volumes.empty()) {
    for (const Json* claim : observed.volumes) {
      if (!IsGoing(*claim)) deletions.Push(ClaimReference(*claim));
    }
    return StillThere(*observed.volumes.front(), 60);
  }
  if (auto step = DeleteAll(
          inventory, kAfterwards,
          {"progressing", "DeletingRest", "the remaining objects are being deleted", 80, {}},
          deletions)) {
    return *step;
  }
  return {"ready", "Deleted", "nothing of the instance is left", 100, {}};
}

}  // namespace mongodb
