#include "base/backoff.h"
#include "sim/cnpg/objects.h"
#include "sim/cnpg/objects_json.h"
#include "sim/cnpg/pass.h"

namespace slipway::sim::cnpg {

namespace {

// Real waits, scaled by the pace.
constexpr int64_t kScheduleMs = 400, kJobMs = 12'000, kStartMs = 4000;

std::string PodSuffix() {
  static constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (int i = 0; i < 5; ++i)
    out += kLetters[static_cast<size_t>(Jitter(static_cast<int64_t>(kLetters.size())))];
  return out;
}

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

Result<void> PatchPodStatus(Pass& pass, Json& pod, Json status) {
  return pass.PatchObject(pod, Json::Obj({{"status", std::move(status)}}), "status");
}

std::string Address(const Json& pod) {
  uint32_t hash = 2166136261U;
  for (const char c : UidOf(pod)) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return "10.244." + std::to_string(hash / 251 % 250 + 1) + "." + std::to_string(hash % 251 + 2);
}

// Binds the pod. False while it has to wait.
Result<bool> Schedule(Pass& pass, Json& pod) {
  if (PodPlaced(pod)) return true;
  // The operator's next pass sees every pod Pending, as it does in a real cluster.
  if (pass.memory.since.emplace("seen-" + UidOf(pod), 0).second) {
    pass.RequeueIn(0);
    return false;
  }
  if (pass.spec.fault == "unschedulable") {
    Json conditions = pod.At("/status/conditions");
    SetCondition(conditions, "PodScheduled", false, "Unschedulable",
                 "0/1 nodes are available: 1 Insufficient cpu.", pass.now());
    TRY_VOID(PatchPodStatus(
        pass, pod, Json::Obj({{"phase", "Pending"}, {"conditions", std::move(conditions)}})));
    return false;
  }
  if (!pass.Due("schedule-" + UidOf(pod), kScheduleMs)) return false;
  const std::string node =
      "slipway-sim-" +
      std::to_string(std::atoi(AnnotationOf(pod, "cnpg.io/nodeSerial").c_str()) % 3 + 1);
  TRY_VOID(pass.Bind(pod, node));
  TRY_VOID(
      PatchPodStatus(pass, pod,
                     Json::Obj({{"phase", "Pending"},
                                {"hostIP", "127.0.0.1"},
                                {"startTime", FormatSeconds(pass.now())},
                                {"conditions", Conditions(pass, pod, {{"PodScheduled", true}})}})));
  return true;
}

// A container that cannot start. True when it is so.
Result<bool> Hindered(Pass& pass, Json& pod) {
  std::string reason, message;
  const std::string image = pod.At("/spec/containers/0/image").AsString();
  if (pass.spec.fault == "image-pull") {
    reason = "ImagePullBackOff";
    message = "Back-off pulling image \"" + image +
              "\": ErrImagePull: failed to pull and unpack image \"" + image + "\": not found";
  } else if (pass.spec.own_app_secret && pass.memory.password.empty()) {
    reason = "CreateContainerConfigError";
    message = "secret \"" + pass.spec.app_secret + "\" not found";
  } else {
    return false;
  }
  TRY_VOID(PatchPodStatus(
      pass, pod,
      Json::Obj(
          {{"phase", "Pending"},
           {"containerStatuses", MainStatuses(pod, false, 0, WaitingState(reason, message))}})));
  return true;
}

Result<void> SetRunning(Pass& pass, Json& pod, bool ready) {
  return PatchPodStatus(
      pass, pod,
      Json::Obj(
          {{"phase", "Running"},
           {"podIP", Address(pod)},
           {"podIPs", Json::Arr({Json::Obj({{"ip", Address(pod)}})})},
           {"initContainerStatuses", InitStatuses(pass, pod)},
           {"containerStatuses", MainStatuses(pod, ready, 0, RunningState(pass))},
           {"conditions",
            Conditions(pass, pod,
                       {{"Initialized", true}, {"ContainersReady", ready}, {"Ready", ready}})}}));
}

PostgresRuntime::Plan PlanOf(Pass& pass, const std::string& instance, bool primary) {
  const ClusterSpec& spec = pass.spec;
  PostgresRuntime::Plan plan;
  plan.ns = spec.ns;
  plan.cluster = spec.name;
  plan.instance = instance;
  plan.source = primary ? PostgresRuntime::Source::kNew : PostgresRuntime::Source::kCopyOfUpstream;
  if (!primary) plan.upstream = pass.VolumeKey(pass.current_primary());
  plan.database = spec.database;
  plan.owner = spec.owner;
  plan.password = pass.memory.password;
  plan.post_init_sql = spec.post_init_sql;
  plan.post_init_application_sql = spec.post_init_application_sql;
  plan.tls_cert = pass.memory.tls_cert;
  plan.tls_key = pass.memory.tls_key;
  plan.parameters = spec.parameters;
  return plan;
}

// Asks for the instance's server in its role. True when it answers in that role.
bool Serve(Pass& pass, const std::string& instance, bool primary) {
  if (pass.env.runtime == nullptr) return true;
  const std::string volume = pass.VolumeKey(instance);
  PostgresRuntime::Plan plan = PlanOf(pass, instance, primary);
  // Nothing is known of the secrets in the first pass after a start.
  if (volume.empty() || (!primary && plan.upstream.empty()) || plan.tls_cert.empty()) {
    pass.RequeueIn(100);
    return false;
  }
  pass.env.runtime->Want(volume, std::move(plan));
  const PostgresRuntime::State state = pass.env.runtime->Get(volume);
  return state.running && state.primary == primary;
}

// A real API server and job controller have rules and a mind of their own: what they refuse, they
// do themselves.
Result<void> PatchJobStatus(Pass& pass, Json& job, Json status) {
  auto patched = pass.PatchObject(job, Json::Obj({{"status", std::move(status)}}), "status");
  if (patched || patched.error().code == Code::kInvalid) return {};
  return patched;
}

Result<void> EndPod(Pass& pass, Json& pod, const std::string& failure) {
  const bool ok = failure.empty();
  return PatchPodStatus(
      pass, pod,
      Json::Obj(
          {{"phase", ok ? "Succeeded" : "Failed"},
           {"containerStatuses",
            MainStatuses(pod, false, 0, EndedState(pass, ok ? 0 : 1, failure))},
           {"conditions", Conditions(pass, pod, {{"Ready", false}, {"ContainersReady", false}})}}));
}

Result<void> EndJob(Pass& pass, Json& job, bool ok) {
  Json conditions = job["status"]["conditions"];
  const std::string reason = ok ? "CompletionsReached" : "BackoffLimitExceeded";
  const std::string message = ok ? "Reached expected number of succeeded pods"
                                 : "Job has reached the specified backoff limit";
  SetCondition(conditions, ok ? "SuccessCriteriaMet" : "FailureTarget", true, reason, message,
               pass.now());
  SetCondition(conditions, ok ? "Complete" : "Failed", true, reason, message, pass.now());
  Json status = Json::Obj({{"conditions", std::move(conditions)},
                           {ok ? "succeeded" : "failed", ok ? 1 : 7},
                           {"active", nullptr},
                           {"ready", nullptr}});
  if (ok) status.Set("completionTime", FormatSeconds(pass.now()));
  return PatchJobStatus(pass, job, std::move(status));
}

// The work inside a job's pod: filling the volume. True when done; `failure` says what went wrong.
bool Bootstrapped(Pass& pass, const Json& job, std::string& failure) {
  if (pass.spec.fault == "initdb-fails") {
    failure = "initdb: error: simulated failure";
    return true;
  }
  if (pass.env.runtime == nullptr) return true;
  const std::string instance = LabelOf(job, "cnpg.io/instanceName");
  const bool primary = LabelOf(job, "cnpg.io/jobRole") != "join";
  const bool serving = Serve(pass, instance, primary);
  const PostgresRuntime::State state = pass.env.runtime->Get(pass.VolumeKey(instance));
  if (!state.failure.empty()) failure = state.failure;
  return serving || !failure.empty();
}

Result<void> PlayJob(Pass& pass, Json& job) {
  Json* pod = nullptr;
  for (Json& one : pass.job_pods)
    if (LabelOf(one, "job-name") == NameOf(job)) pod = &one;
  if (pod == nullptr) {
    if (job.At("/spec/selector").is_object()) return {};  // a real API server's job controller
    auto created = pass.CreateObject(JobPod(job, NameOf(job) + "-" + PodSuffix()));
    if (!created) return std::move(created).error();
    return PatchJobStatus(pass, job,
                          Json::Obj({{"active", 1}, {"startTime", FormatSeconds(pass.now())}}));
  }
  const std::string phase = pod->At("/status/phase").AsString("Pending");
  if (phase == "Pending") {
    TRY(const bool placed, Schedule(pass, *pod));
    if (!placed) return {};
    TRY(const bool hindered, Hindered(pass, *pod));
    if (hindered) return {};
    TRY_VOID(SetRunning(pass, *pod, true));
    return PatchJobStatus(pass, job, Json::Obj({{"ready", 1}}));
  }
  if (phase != "Running") return EndJob(pass, job, phase == "Succeeded");
  std::string failure;
  const bool done = Bootstrapped(pass, job, failure);
  if (!pass.Due("job-" + UidOf(*pod), kJobMs) || !done) return {};
  TRY_VOID(EndPod(pass, *pod, failure));
  return EndJob(pass, job, failure.empty());
}

}  // namespace

Result<void> PlayInstance(Pass& pass, Json& pod) {
  const std::string name = NameOf(pod), current = pass.current_primary(),
                    target = pass.target_primary();
  const std::string volume = pass.VolumeKey(name);
  PostgresRuntime* runtime = pass.env.runtime;
  const auto take_over = [&]() -> Result<void> {
    TRY_VOID(pass.PatchStatus(
        Json::Obj({{"currentPrimary", name}, {"currentPrimaryTimestamp", MicroTime(pass.now())}})));
    Json holder = Json::Obj({{"holderIdentity", name}, {"leaseDurationSeconds", 15}});
    const kube::ObjectRef lease{"coordination.k8s.io/v1", "Lease", pass.spec.ns, pass.spec.name};
    auto held = pass.env.kube.Patch(lease, kube::PatchType::kMerge,
                                    Json::Obj({{"spec", std::move(holder)}}), "");
    if (!held && held.error().code != Code::kNotFound) return std::move(held).error();
    return {};
  };
  const auto set_ready = [&](bool ready) {
    const int64_t restarts =
        pod.At("/status/containerStatuses/0/restartCount").AsInt() + (ready ? 0 : 1);
    return PatchPodStatus(
        pass, pod,
        Json::Obj({{"containerStatuses", MainStatuses(pod, ready, restarts, RunningState(pass))},
                   {"conditions",
                    Conditions(pass, pod, {{"ContainersReady", ready}, {"Ready", ready}})}}));
  };
  if (!current.empty() && target == name && current != name) {  // promotion
    if (runtime != nullptr && runtime->Get(pass.VolumeKey(current)).process) {
      runtime->Stop(pass.VolumeKey(current));
      return {};
    }
    const bool promoted = Serve(pass, name, true);
    if (!promoted ||
        !pass.Due("promote-" + name + pass.status()["targetPrimaryTimestamp"].AsString(), 2000))
      return {};
    return take_over();
  }
  if (current == name && target != name && target != "pending") {  // demotion
    if (runtime != nullptr) runtime->Stop(volume);
    return PodReady(pod) && runtime != nullptr ? set_ready(false) : Result<void>();
  }
  if (!current.empty() && current != target && target != "pending") return {};  // others wait
  const bool first = current.empty() && target == name, primary = first || current == name;
  const bool exited = runtime != nullptr && runtime->Get(volume).exited;
  if (exited) {
    if (PodReady(pod)) return set_ready(false);
    // The operator decides about a failover before a lost primary may come back.
    const bool others = pass.status()["readyInstances"].AsInt() > 0;
    if (target == "pending" || (primary && others)) return {};
  }
  const bool serving = Serve(pass, name, primary);
  if (exited) runtime->Restart(volume);  // with the plan of its present role
  if (!serving) return {};
  if (!PodReady(pod)) {
    const bool held = pass.spec.fault == "never-ready";
    if (held || !pass.Due("ready-" + UidOf(pod), kStartMs)) return {};
    if (first) TRY_VOID(take_over());
    TRY_VOID(set_ready(true));
  }
  if (!primary || !ConditionOf(pass.cluster, "ContinuousArchiving").is_null()) return {};
  Json conditions = pass.status()["conditions"];
  SetCondition(conditions, "ContinuousArchiving", true, "ContinuousArchivingSuccess",
               "Continuous archiving is working", pass.now());
  return pass.PatchStatus(Json::Obj({{"conditions", std::move(conditions)}}));
}

Result<void> PlayMachinery(Pass& pass) {
  for (Json& volume : pass.volumes) {
    const Json requests = volume.At("/spec/resources/requests");
    // What the controller of volumes writes on a claim that it has bound.
    const Json bound = Json::Obj({{"pv.kubernetes.io/bind-completed", "yes"},
                                  {"pv.kubernetes.io/bound-by-controller", "yes"}});
    TRY_VOID(pass.PatchObject(volume,
                              Json::Obj({{"metadata", Json::Obj({{"annotations", bound}})}}), ""));
    TRY_VOID(pass.PatchObject(
        volume,
        Json::Obj({{"status", Json::Obj({{"phase", "Bound"},
                                         {"accessModes", Json::Arr({"ReadWriteOnce"})},
                                         {"capacity", requests}})}}),
        "status"));
  }
  for (Json& job : pass.jobs)
    if (!JobComplete(job) && !JobFailed(job)) TRY_VOID(PlayJob(pass, job));
  for (Json& pod : pass.pods) {
    if (BeingDeleted(pod)) {  // the API server takes it away after its grace
      if (pass.env.runtime != nullptr) pass.env.runtime->Stop(pass.VolumeKey(NameOf(pod)));
      continue;
    }
    if (PodRunning(pod)) {
      TRY_VOID(PlayInstance(pass, pod));
      continue;
    }
    TRY(const bool placed, Schedule(pass, pod));
    if (!placed) continue;
    TRY(const bool hindered, Hindered(pass, pod));
    if (hindered || !pass.Due("start-" + UidOf(pod), kStartMs)) continue;
    const std::string current = pass.current_primary(), name = NameOf(pod);
    const bool primary = current.empty() ? pass.target_primary() == name : current == name;
    if (Serve(pass, name, primary)) TRY_VOID(SetRunning(pass, pod, false));
  }
  if (pass.env.runtime == nullptr) return {};
  // A server lives as long as its pod, or the job that fills its volume.
  for (const Json& volume : pass.volumes) {
    const std::string& instance = LabelOf(volume, "cnpg.io/instanceName");
    bool used = pass.FindPod(instance) != nullptr;
    for (const Json& job : pass.jobs) used |= LabelOf(job, "cnpg.io/instanceName") == instance;
    if (!used) pass.env.runtime->Stop(UidOf(volume));
  }
  return {};
}

}  // namespace slipway::sim::cnpg
