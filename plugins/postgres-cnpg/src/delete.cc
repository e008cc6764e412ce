#include "delete.h"

#include <string>
#include <vector>

#include "pods.h"

namespace cnpg {

namespace {

// What the Cluster's pods use until they are gone comes last.
constexpr const char* kAfterwards[] = {"PodMonitor", "ObjectStore", "NetworkPolicy"};

std::vector<const Json*> OfKind(const Json& inventory, std::string_view kind) {
  std::vector<const Json*> out;
  for (const Json& ref : inventory.items()) {
    if (ref["kind"].AsString() == kind) out.push_back(&ref);
  }
  return out;
}

Json Reference(const Json& ref) {
  return Json::Obj({{"apiVersion", ref["apiVersion"]},
                    {"kind", ref["kind"]},
                    {"namespace", ref["namespace"]},
                    {"name", ref["name"]}});
}

Json WaitingForReference(const Json& ref) {
  return WaitingFor(ref["kind"].AsString().c_str(), ref["namespace"].AsString(),
                    ref["name"].AsString(), "Terminating");
}

// Why an object is still there: its finalizers, if it has any.
Judgement StillThere(const Json& object, int percent) {
  std::string finalizers;
  for (const Json& finalizer : object["metadata"]["finalizers"].items())
    finalizers += (finalizers.empty() ? "" : ", ") + finalizer.AsString();
  const std::string named = object["kind"].AsString() + " " + object["metadata"]["name"].AsString();
  if (IsGoing(object) && !finalizers.empty()) {
    return {"progressing", "WaitingForDeletion", named + " is held by " + finalizers, percent,
            WaitingFor(object, "Finalizers")};
  }
  return {"progressing", "WaitingForDeletion", named + " is still there", percent,
          WaitingFor(object, IsGoing(object) ? "Terminating" : "StillThere")};
}

}  // namespace

Judgement Deletion(const Instance&, const Observed& observed, const Json& inventory,
                   Json& deletions) {
  if (const auto schedules = OfKind(inventory, "ScheduledBackup"); !schedules.empty()) {
    for (const Json* ref : schedules) deletions.Push(Reference(*ref));
    return {"progressing", "DeletingSchedule", "the backup schedule is being deleted", 0,
            WaitingForReference(*schedules.front())};
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
  const Json* first = nullptr;
  for (const char* kind : kAfterwards) {
    for (const Json* ref : OfKind(inventory, kind)) {
      deletions.Push(Reference(*ref));
      if (first == nullptr) first = ref;
    }
  }
  if (first != nullptr) {
    return {"progressing", "DeletingRest", "the remaining objects are being deleted", 80,
            WaitingForReference(*first)};
  }
  return {"ready", "Deleted", "nothing of the instance is left", 100, {}};
}

}  // namespace cnpg
