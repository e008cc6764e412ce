#include "sim/cnpg/pass.h"

#include <algorithm>

#include "base/crypto.h"
#include "sim/cnpg/objects.h"
#include "sim/cnpg/objects_json.h"

namespace slipway::sim::cnpg {

bool PodReady(const Json& pod) {
  return ConditionTrue(pod, "Ready");
}

bool PodRunning(const Json& pod) {
  return pod.At("/status/phase").AsString() == "Running";
}

bool PodPlaced(const Json& pod) {
  return pod.At("/spec/nodeName").is_string() || ConditionTrue(pod, "PodScheduled");
}

bool PodActive(const Json& pod) {
  const std::string& phase = pod.At("/status/phase").AsString();
  return phase != "Succeeded" && phase != "Failed" && !BeingDeleted(pod);
}

bool JobComplete(const Json& job) {
  return ConditionTrue(job, "Complete");
}

bool JobFailed(const Json& job) {
  return ConditionTrue(job, "Failed");
}

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

Result<void> Pass::Take(Json& object, Result<Json> answer) {
  if (!answer) return std::move(answer).error();
  // A write that the server pruned to nothing must not make the pass run again for ever.
  changed |= (*answer)["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"];
  object = *std::move(answer);
  return {};
}

Result<void> Pass::PatchStatus(Json patch) {
  Json after = status();
  after.MergePatch(patch);
  if (after == status()) return {};
  return Take(cluster, env.kube.Patch(RefOf(cluster), kube::PatchType::kMerge,
                                      Json::Obj({{"status", std::move(patch)}}), "status"));
}

Result<void> Pass::PutStatus(Json wanted) {
  if (wanted == status()) return {};
  Json object = cluster;
  object.Set("status", std::move(wanted));
  return Take(cluster, env.kube.Update(object, "status"));
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

Result<void> Pass::PatchObject(Json& object, const Json& patch, const std::string& subresource) {
  Json after = object;
  after.MergePatch(patch);
  if (after == object) return {};
  return Take(object, env.kube.Patch(RefOf(object), kube::PatchType::kMerge, patch, subresource));
}

Result<Json> Pass::CreateObject(const Json& object) {
  auto created = env.kube.Create(object);
  if (created) changed = true;
  if (created || created.error().code != Code::kAlreadyExists) return created;
  return env.kube.Get(RefOf(object));
}

Result<void> Pass::DeleteObject(const Json& object) {
  kube::DeleteOptions options;
  options.uid = UidOf(object);
  changed = true;
  auto deleted = env.kube.Delete(RefOf(object), options);
  if (!deleted && deleted.error().code == Code::kConflict) return {};  // another one of that name
  return deleted;
}

Result<void> Pass::Bind(Json& pod, const std::string& node) {
  auto bound = env.kube.Create(
      Json::Obj({{"apiVersion", "v1"},
                 {"kind", "Binding"},
                 {"metadata", Json::Obj({{"name", NameOf(pod)}, {"namespace", NamespaceOf(pod)}})},
                 {"target", Json::Obj({{"kind", "Node"}, {"name", node}})}}));
  // A binding whose answer was lost is there already.
  if (!bound && bound.error().code != Code::kAlreadyExists && bound.error().code != Code::kConflict)
    return std::move(bound).error();
  return Take(pod, env.kube.Get(RefOf(pod)));
}

void Pass::Event(const std::string& reason, const std::string& message) {
  const std::string name = spec.name + "." + HexEncode(RandomBytes(8));
  auto created = env.kube.Create(cnpg::Event(cluster, name, reason, message, FormatSeconds(now())));
  if (!created)
    env.log.Debug("sim.event_not_written",
                  {{"reason", reason}, {"error", created.error().message}});
}

bool Pass::Due(const std::string& what, int64_t wait_ms) {
  const int64_t steady = env.clock.SteadyMs();
  const auto [it, fresh] = memory.since.emplace(what, steady);
  const int64_t left =
      it->second + static_cast<int64_t>(static_cast<double>(wait_ms) * env.pace) - steady;
  if (left <= 0) return true;
  RequeueIn(left);
  return false;
}

void Pass::RequeueIn(int64_t ms) {
  requeue_ms = requeue_ms < 0 ? ms : std::min(requeue_ms, ms);
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

}  // namespace slipway::sim::cnpg
