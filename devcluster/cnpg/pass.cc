#include "devcluster/cnpg/pass.h"

#include <algorithm>

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

Result<void> Pass::Read(const std::string& ns, const std::string& name) {
  TRY(cluster, env.kube.Get({kGroup, "Cluster", ns, name}));
  spec = ClusterSpec::Parse(cluster);
  if (memory.uid != spec.uid) {
    memory = ClusterMemory();
    memory.uid = spec.uid;
  }
  const kube::ListOptions options{
      .label_selector = "cnpg.io/cluster=" + name, .field_selector = "", .page_size = 500};
  TRY(kube::ObjectList all_pods, env.kube.List("v1", "Pod", ns, options));
  TRY(kube::ObjectList all_jobs, env.kube.List("batch/v1", "Job", ns, options));
  TRY(kube::ObjectList all_volumes, env.kube.List("v1", "PersistentVolumeClaim", ns, options));
  for (Json& pod : all_pods.items) {
    if (LabelOf(pod, "cnpg.io/podRole") == "instance")
      pods.push_back(std::move(pod));
    else if (!LabelOf(pod, "cnpg.io/jobRole").empty())
      job_pods.push_back(std::move(pod));
  }
  for (Json& job : all_jobs.items)
    if (!BeingDeleted(job)) jobs.push_back(std::move(job));
  for (Json& volume : all_volumes.items)
    if (!BeingDeleted(volume)) volumes.push_back(std::move(volume));
  const auto by_name = [](const Json& a, const Json& b) {
    return SerialLess(NameOf(a), NameOf(b));
  };
  for (auto* list : {&pods, &job_pods, &jobs, &volumes})
    std::sort(list->begin(), list->end(), by_name);
  return {};
}

Result<void> Pass::Phase(const std::string& phase, const std::string& reason) {
  const bool healthy = phase == "Cluster in healthy state";
  Json conditions = status()["conditions"];
  SetCondition(conditions, "Ready", healthy, healthy ? "ClusterIsReady" : "ClusterIsNotReady",
               healthy ? "Cluster is Ready" : "Cluster Is Not Ready", now());
  Json patch = Json::Obj({{"conditions", std::move(conditions)}, {"phase", phase}});
  patch.Set("phaseReason", reason.empty() ? Json() : Json(reason));
  return PatchStatus(std::move(patch));
}

void Pass::Event(const std::string& reason, const std::string& message) {
  const bool warning = reason == "FailingOver" || reason == "ErrorNoBackup";
  Note(EventAbout(cluster, "cloudnative-pg", warning ? "Warning" : "Normal", reason, message,
                  now()));
}

Json* Pass::FindPod(const std::string& instance) {
  for (Json& pod : pods)
    if (NameOf(pod) == instance) return &pod;
  return nullptr;
}

Json* Pass::FindVolume(const std::string& instance) {
  for (Json& volume : volumes)
    if (LabelOf(volume, "cnpg.io/instanceName") == instance &&
        LabelOf(volume, "cnpg.io/pvcRole") == "PG_DATA")
      return &volume;
  return nullptr;
}

std::string Pass::VolumeKey(const std::string& instance) {
  const Json* volume = FindVolume(instance);
  return volume == nullptr ? "" : UidOf(*volume);
}

}  // namespace slipway::sim::operators::cnpg
