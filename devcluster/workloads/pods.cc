#include "devcluster/workloads/pods.h"

#include <algorithm>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/mounts.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::workloads {

namespace {

// A wait of the real programs, scaled by the pace, and how often we look for something missing.
constexpr int64_t kReadyMs = 2000, kLookMs = 500;
constexpr char kSimulated[] = "slipway.dev/simulated";

bool EndsByItself(const Json& pod) {
  return pod.At("/spec/restartPolicy").AsString("Always") != "Always";
}

bool HasProbe(const Json& pod) {
  const auto& containers = pod.At("/spec/containers").items();
  return std::any_of(containers.begin(), containers.end(), [](const Json& container) {
    return container.Has("readinessProbe") || container.Has("startupProbe");
  });
}

Result<void> Unschedulable(Pass& pass, Json& pod, const std::string& why) {
  pass.RequeueIn(kLookMs);
  Json conditions = pod.At("/status/conditions");
  SetCondition(conditions, "PodScheduled", false, "Unschedulable",
               "0/3 nodes are available: " + why + ".", pass.now());
  return PatchPodStatus(pass, pod,
                        Json::Obj({{"phase", "Pending"}, {"conditions", std::move(conditions)}}));
}

// Reads the pod's claims. When one is missing, the pod's status says so and the result is false.
Result<bool> ReadClaims(Pass& pass, Json& pod, std::vector<Json>& claims) {
  for (const Json& volume : pod.At("/spec/volumes").items()) {
    const std::string name = volume.At("/persistentVolumeClaim/claimName").AsString();
    if (name.empty()) continue;
    auto claim = pass.kube().Get({"v1", "PersistentVolumeClaim", NamespaceOf(pod), name});
    if (claim) {
      claims.push_back(*std::move(claim));
      continue;
    }
    if (claim.error().code != Code::kNotFound) return std::move(claim).error();
    TRY_VOID(Unschedulable(pass, pod, "persistentvolumeclaim \"" + name + "\" not found"));
    return false;
  }
  return true;
}

Result<Hindrance> HindranceOf(Pass& pass, const Json& pod) {
  TRY(const MissingMount missing, FindMissingMount(pass.kube(), pod));
  if (missing.volume.empty()) return Hindrance::ImagePull(pod, FaultOf(pod));
  pass.RequeueIn(kLookMs);
  if (pass.First("mount-" + UidOf(pod) + missing.message))
    pass.Note(EventAbout(pod, "kubelet", "Warning", "FailedMount", missing.message, pass.now()));
  return Hindrance{"ContainerCreating", ""};
}

Result<void> StartPod(Pass& pass, Json& pod) {
  std::vector<Json> claims;
  TRY(const bool there, ReadClaims(pass, pod, claims));
  if (!there) return {};
  TRY(const bool placed, Schedule(pass, pod, NodeFor(pod), FaultOf(pod)));
  if (!placed) return {};
  for (Json& claim : claims)
    if (!BeingDeleted(claim)) TRY_VOID(BindVolume(pass, claim));
  TRY(const Hindrance hindrance, HindranceOf(pass, pod));
  if (hindrance) return Hinder(pass, pod, hindrance);
  if (!pass.Due("start-" + UidOf(pod), kStartMs)) return {};
  return SetRunning(pass, pod, !HasProbe(pod) && FaultOf(pod) != "never-ready");
}

}  // namespace

Result<void> PlayPod(Pass& pass, Json& pod) {
  if (!PodActive(pod)) return {};
  if (!PodRunning(pod)) return StartPod(pass, pod);
  if (EndsByItself(pod)) {
    if (!pass.Due("job-" + UidOf(pod), kJobMs)) return {};
    return SetEnded(pass, pod, FaultOf(pod) == "fails" ? "simulated failure" : "");
  }
  if (PodReady(pod) || FaultOf(pod) == "never-ready" || !pass.Due("ready-" + UidOf(pod), kReadyMs))
    return {};
  return SetReady(pass, pod, true);
}

bool Selects(const Json& service, const Json& pod) {
  const auto& selector = service.At("/spec/selector").members();
  return !selector.empty() &&
         std::all_of(selector.begin(), selector.end(), [&pod](const Json::Member& one) {
           return LabelOf(pod, one.first) == one.second.AsString();
         });
}

Result<void> MarkService(Pass& pass, Json& service) {
  if (!AnnotationOf(service, kSimulated).empty()) return {};
  const Json mark =
      Json::Obj({{kSimulated, "the development cluster runs no program in this Service's pods"}});
  return pass.PatchObject(service, Json::Obj({{"metadata", Json::Obj({{"annotations", mark}})}}));
}

Result<void> MarkServicesOf(Pass& pass, const Json& pod) {
  TRY(kube::ObjectList services, pass.kube().List("v1", "Service", NamespaceOf(pod), {}));
  for (Json& service : services.items) {
    service.Set("apiVersion", "v1").Set("kind", "Service");
    if (Selects(service, pod)) TRY_VOID(MarkService(pass, service));
  }
  return {};
}

}  // namespace slipway::sim::operators::workloads
