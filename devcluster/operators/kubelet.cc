#include "devcluster/operators/kubelet.h"

#include <algorithm>

#include "base/backoff.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators {

namespace {

Json Conditions(const Pass& pass, const Json& pod,
                std::initializer_list<std::pair<const char*, bool>> wanted) {
  Json conditions = pod.At("/status/conditions");
  for (const auto& [type, value] : wanted)
    SetCondition(conditions, type, value, value ? "" : "ContainersNotReady", "", pass.now());
  for (Json& condition : conditions.items()) {
    if (condition["reason"].AsString().empty()) condition.Erase("reason");
    if (condition["message"].AsString().empty()) condition.Erase("message");
  }
  return conditions;
}

Json ContainerStatus(const Json& container, bool ready, int64_t restarts, Json state) {
  const std::string& name = container["name"].AsString();
  return Json::Obj({{"name", name},
                    {"image", container["image"]},
                    {"imageID", ""},
                    {"containerID", "containerd://" + name},
                    {"ready", ready},
                    {"started", state.Has("running")},
                    {"restartCount", restarts},
                    {"state", std::move(state)}});
}

Json RunningState(const Pass& pass) {
  return Json::Obj({{"running", Json::Obj({{"startedAt", FormatSeconds(pass.now())}})}});
}

Json EndedState(const Pass& pass, int code, const std::string& message = "") {
  Json ended = Json::Obj({{"exitCode", code},
                          {"reason", code == 0 ? "Completed" : "Error"},
                          {"finishedAt", FormatSeconds(pass.now())}});
  if (!message.empty()) ended.Set("message", message);
  return Json::Obj({{"terminated", std::move(ended)}});
}

Json WaitingState(const std::string& reason, const std::string& message) {
  return Json::Obj({{"waiting", Json::Obj({{"reason", reason}, {"message", message}})}});
}

Json InitStatuses(const Pass& pass, const Json& pod) {
  Json out = Json::MakeArray();
  for (const Json& container : pod.At("/spec/initContainers").items()) {
    const bool sidecar = container["restartPolicy"].AsString() == "Always";
    out.Push(
        ContainerStatus(container, true, 0, sidecar ? RunningState(pass) : EndedState(pass, 0)));
  }
  return out;
}

Json MainStatuses(const Json& pod, bool ready, int64_t restarts, const Json& state) {
  Json out = Json::MakeArray();
  for (const Json& container : pod.At("/spec/containers").items())
    out.Push(ContainerStatus(container, ready, restarts, state));
  return out;
}

int64_t RestartsOf(const Json& pod) {
  return pod.At("/status/containerStatuses/0/restartCount").AsInt();
}

}  // namespace

const std::string& FaultOf(const Json& custom_resource) {
  return AnnotationOf(custom_resource, "slipway.dev/sim-fault");
}

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

std::string PodSuffix() {
  static constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (int i = 0; i < 5; ++i)
    out += kLetters[static_cast<size_t>(Jitter(static_cast<int64_t>(kLetters.size())))];
  return out;
}

Json PodFrom(const Json& owner, const std::string& name) {
  const Json& tmpl = owner.At("/spec/template");
  Json metadata = tmpl["metadata"];
  metadata.Set("name", name).Set("namespace", NamespaceOf(owner));
  metadata.Set("ownerReferences", Json::Arr({Json::Obj({{"apiVersion", owner["apiVersion"]},
                                                        {"kind", owner["kind"]},
                                                        {"name", NameOf(owner)},
                                                        {"uid", UidOf(owner)},
                                                        {"controller", true},
                                                        {"blockOwnerDeletion", true}})}));
  return Json::Obj({{"apiVersion", "v1"},
                    {"kind", "Pod"},
                    {"metadata", std::move(metadata)},
                    {"spec", tmpl["spec"]}});
}

std::string AddressOf(const Json& pod) {
  uint32_t hash = 2166136261U;
  for (const char c : UidOf(pod)) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return "10.244." + std::to_string(hash / 251 % 250 + 1) + "." + std::to_string(hash % 251 + 2);
}

std::string NodeFor(const Json& pod) {
  unsigned sum = 0;
  for (const char c : NameOf(pod)) sum = sum * 31 + static_cast<unsigned char>(c);
  return "slipway-sim-" + std::to_string(sum % 3 + 1);
}

Result<void> PatchPodStatus(Pass& pass, Json& pod, Json status) {
  return pass.PatchObject(pod, Json::Obj({{"status", std::move(status)}}), "status");
}

Result<bool> Schedule(Pass& pass, Json& pod, const std::string& node, const std::string& fault) {
  if (PodPlaced(pod)) return true;
  // A pod waits for one more pass, so that the operator sees it Pending, as it does in a real
  // cluster.
  if (pass.First("seen-" + UidOf(pod))) {
    pass.RequeueIn(0);
    return false;
  }
  if (fault == "unschedulable") {
    Json conditions = pod.At("/status/conditions");
    SetCondition(conditions, "PodScheduled", false, "Unschedulable",
                 "0/1 nodes are available: 1 Insufficient cpu.", pass.now());
    TRY_VOID(PatchPodStatus(
        pass, pod, Json::Obj({{"phase", "Pending"}, {"conditions", std::move(conditions)}})));
    return false;
  }
  if (!pass.Due("schedule-" + UidOf(pod), kScheduleMs)) return false;
  TRY_VOID(pass.Bind(pod, node));
  TRY_VOID(
      PatchPodStatus(pass, pod,
                     Json::Obj({{"phase", "Pending"},
                                {"hostIP", "127.0.0.1"},
                                {"startTime", FormatSeconds(pass.now())},
                                {"conditions", Conditions(pass, pod, {{"PodScheduled", true}})}})));
  return true;
}

Hindrance Hindrance::ImagePull(const Json& pod, const std::string& fault) {
  if (fault != "image-pull") return {};
  const std::string image = pod.At("/spec/containers/0/image").AsString();
  return {"ImagePullBackOff", "Back-off pulling image \"" + image +
                                  "\": ErrImagePull: failed to pull and unpack image \"" + image +
                                  "\": not found"};
}

Hindrance Hindrance::NoSecret(const std::string& secret) {
  return {"CreateContainerConfigError", "secret \"" + secret + "\" not found"};
}

Result<void> Hinder(Pass& pass, Json& pod, const Hindrance& hindrance) {
  return PatchPodStatus(
      pass, pod,
      Json::Obj(
          {{"phase", "Pending"},
           {"containerStatuses",
            MainStatuses(pod, false, 0, WaitingState(hindrance.reason, hindrance.message))}}));
}

Result<void> SetRunning(Pass& pass, Json& pod, bool ready) {
  return PatchPodStatus(
      pass, pod,
      Json::Obj(
          {{"phase", "Running"},
           {"podIP", AddressOf(pod)},
           {"podIPs", Json::Arr({Json::Obj({{"ip", AddressOf(pod)}})})},
           {"initContainerStatuses", InitStatuses(pass, pod)},
           {"containerStatuses", MainStatuses(pod, ready, 0, RunningState(pass))},
           {"conditions",
            Conditions(pass, pod,
                       {{"Initialized", true}, {"ContainersReady", ready}, {"Ready", ready}})}}));
}

Result<void> SetReady(Pass& pass, Json& pod, bool ready) {
  const int64_t restarts = RestartsOf(pod) + (ready ? 0 : 1);
  return PatchPodStatus(
      pass, pod,
      Json::Obj(
          {{"containerStatuses", MainStatuses(pod, ready, restarts, RunningState(pass))},
           {"conditions", Conditions(pass, pod, {{"ContainersReady", ready}, {"Ready", ready}})}}));
}

Result<void> SetContainersReady(Pass& pass, Json& pod, const std::vector<std::string>& ready) {
  Json statuses = pod.At("/status/containerStatuses");
  bool all = true;
  for (Json& status : statuses.items()) {
    const bool one =
        std::find(ready.begin(), ready.end(), status["name"].AsString()) != ready.end();
    status.Set("ready", one);
    all &= one;
  }
  return PatchPodStatus(
      pass, pod,
      Json::Obj(
          {{"containerStatuses", std::move(statuses)},
           {"conditions", Conditions(pass, pod, {{"ContainersReady", all}, {"Ready", all}})}}));
}

Result<void> SetEnded(Pass& pass, Json& pod, const std::string& failure) {
  const bool ok = failure.empty();
  return PatchPodStatus(
      pass, pod,
      Json::Obj(
          {{"phase", ok ? "Succeeded" : "Failed"},
           {"containerStatuses",
            MainStatuses(pod, false, 0, EndedState(pass, ok ? 0 : 1, failure))},
           {"conditions", Conditions(pass, pod, {{"Ready", false}, {"ContainersReady", false}})}}));
}

Result<void> BindVolume(Pass& pass, Json& claim) {
  const Json requests = claim.At("/spec/resources/requests");
  const Json bound = Json::Obj({{"pv.kubernetes.io/bind-completed", "yes"},
                                {"pv.kubernetes.io/bound-by-controller", "yes"}});
  TRY_VOID(
      pass.PatchObject(claim, Json::Obj({{"metadata", Json::Obj({{"annotations", bound}})}}), ""));
  return pass.PatchStatusOf(claim, Json::Obj({{"phase", "Bound"},
                                              {"accessModes", claim.At("/spec/accessModes")},
                                              {"capacity", requests}}));
}

// A real API server has rules for these fields, and a real job controller writes them itself. So it
// is no error when they refuse our write.
Result<void> PatchJobStatus(Pass& pass, Json& job, Json status) {
  auto patched = pass.PatchObject(job, Json::Obj({{"status", std::move(status)}}), "status");
  if (patched || patched.error().code == Code::kInvalid) return {};
  return patched;
}

Result<void> EndJob(Pass& pass, Json& job, bool ok, int64_t count) {
  Json conditions = job["status"]["conditions"];
  const std::string reason = ok ? "CompletionsReached" : "BackoffLimitExceeded";
  const std::string message = ok ? "Reached expected number of succeeded pods"
                                 : "Job has reached the specified backoff limit";
  SetCondition(conditions, ok ? "SuccessCriteriaMet" : "FailureTarget", true, reason, message,
               pass.now());
  SetCondition(conditions, ok ? "Complete" : "Failed", true, reason, message, pass.now());
  Json status = Json::Obj({{"conditions", std::move(conditions)},
                           {ok ? "succeeded" : "failed", count},
                           {"active", nullptr},
                           {"ready", nullptr}});
  if (ok) status.Set("completionTime", FormatSeconds(pass.now()));
  return PatchJobStatus(pass, job, std::move(status));
}

namespace {

Result<void> StartJobPod(Pass& pass, Json& job) {
  if (job.At("/spec/selector").is_object()) return {};  // a real API server's job controller
  Json fresh = PodFrom(job, NameOf(job) + "-" + PodSuffix());
  fresh["metadata"]["labels"]
      .Set("job-name", NameOf(job))
      .Set("batch.kubernetes.io/job-name", NameOf(job))
      .Set("batch.kubernetes.io/controller-uid", UidOf(job));
  auto created = pass.CreateObject(fresh);
  if (!created) return std::move(created).error();
  Json status = Json::Obj({{"active", 1}});
  if (!job["status"].Has("startTime")) status.Set("startTime", FormatSeconds(pass.now()));
  return PatchJobStatus(pass, job, std::move(status));
}

// A pod failed: another one is tried after a pause, as often as the work allows.
Result<void> RetryJob(Pass& pass, Json& job, int64_t failed, const JobWork& work) {
  const auto tries = static_cast<int64_t>(work.retry_after_ms.size());
  if (failed > tries) return EndJob(pass, job, false, work.retry_after_ms.empty() ? 7 : failed);
  TRY_VOID(PatchJobStatus(
      pass, job, Json::Obj({{"failed", failed}, {"active", nullptr}, {"ready", nullptr}})));
  const int64_t pause = work.retry_after_ms[static_cast<size_t>(failed - 1)];
  if (!pass.Due("retry-" + UidOf(job) + "-" + std::to_string(failed), pause)) return {};
  return StartJobPod(pass, job);
}

}  // namespace

Result<void> PlayJob(Pass& pass, Json& job, Json* pod, const JobWork& work) {
  if (pod == nullptr) return StartJobPod(pass, job);
  const std::string phase = pod->At("/status/phase").AsString("Pending");
  if (phase == "Pending") {
    TRY(const bool placed, Schedule(pass, *pod, work.node, work.fault));
    if (!placed) return {};
    if (work.hindrance) return Hinder(pass, *pod, work.hindrance);
    TRY_VOID(SetRunning(pass, *pod, true));
    return PatchJobStatus(pass, job, Json::Obj({{"ready", 1}}));
  }
  if (phase == "Failed") return RetryJob(pass, job, std::max<int64_t>(work.failed, 1), work);
  if (phase != "Running") return EndJob(pass, job, true, 1);
  std::string failure;
  const bool done = work.done(failure);
  if (!pass.Due("job-" + UidOf(*pod), kJobMs) || !done) return {};
  TRY_VOID(SetEnded(pass, *pod, failure));
  return failure.empty() ? EndJob(pass, job, true, 1) : RetryJob(pass, job, work.failed + 1, work);
}

}  // namespace slipway::sim::operators
