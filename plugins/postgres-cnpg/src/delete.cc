#include "delete.h"

namespace cnpg {

namespace {

constexpr const char* kFirst[] = {"ScheduledBackup"};
// What the Cluster's pods use until they are gone comes last.
constexpr const char* kAfterwards[] = {"PodMonitor", "ObjectStore", "NetworkPolicy"};

}  // namespace

Judgement Deletion(const Instance&, const Observed& observed, const Json& inventory,
                   Json& deletions) {
  if (const auto schedules =
          DeleteAll(inventory, kFirst,
                    {"progressing", "DeletingSchedule", "the backup schedule is being deleted", 0},
                    deletions)) {
    return *schedules;
  }
  const auto clusters = OfKind(inventory, "Cluster");
  if (observed.cluster == nullptr || !IsGoing(*observed.cluster)) {
    for (const Json* ref : clusters) deletions.Push(Reference(*ref));
  }
  if (observed.cluster != nullptr) return StillThere(*observed.cluster, 20);
  if (!clusters.empty()) {
    return {"progressing", "DeletingCluster", "the Cluster is being deleted", 20,
            WaitingForReference(*clusters.front())};
  }
  for (const auto* kind : {&observed.pods, &observed.job_pods, &observed.jobs, &observed.volumes,
                           &observed.services}) {
    if (!kind->empty()) return StillThere(*kind->front(), 50);
  }
  if (const auto rest =
          DeleteAll(inventory, kAfterwards,
                    {"progressing", "DeletingRest", "the remaining objects are being deleted", 80},
                    deletions)) {
    return *rest;
  }
  return {"ready", "Deleted", "nothing of the instance is left", 100, {}};
}

}  // namespace cnpg
