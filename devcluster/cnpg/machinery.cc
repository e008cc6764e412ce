#include <cstdlib>

#include "devcluster/cnpg/objects.h"
#include "devcluster/cnpg/pass.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

std::string NodeOf(const Json& pod) {
  return "slipway-sim-" +
         std::to_string(std::atoi(AnnotationOf(pod, "cnpg.io/nodeSerial").c_str()) % 3 + 1);
}

Hindrance HindranceOf(const Pass& pass, const Json& pod) {
  if (pass.spec.own_app_secret && pass.memory.password.empty() && pass.spec.fault != "image-pull")
    return Hindrance::NoSecret(pass.spec.app_secret);
  return Hindrance::ImagePull(pod, pass.spec.fault);
}

PostgresRuntime::Plan PlanOf(Pass& pass, const std::string& instance, bool primary) {
  const ClusterSpec& spec = pass.spec;
  PostgresRuntime::Plan plan;
  plan.ns = spec.ns;
  plan.cluster = spec.name;
  plan.instance = instance;
  plan.source = primary ? PostgresRuntime::Source::kNew : PostgresRuntime::Source::kCopyOfUpstream;
  if (!primary) plan.upstream = pass.VolumeKey(pass.current_primary());
  plan.archive = pass.memory.archive;
  plan.origin = pass.memory.origin;
  if (plan.origin && primary) plan.source = PostgresRuntime::Source::kArchive;
  plan.target = spec.recovery_target;
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

// Asks for the server of an instance, in the instance's role. True when it answers in that role.
bool Serve(Pass& pass, const std::string& instance, bool primary, const std::string& attempt = "") {
  if (pass.env.runtime == nullptr) return true;
  const std::string volume = pass.VolumeKey(instance);
  PostgresRuntime::Plan plan = PlanOf(pass, instance, primary);
  plan.attempt = attempt;
  // The first pass after a start does not know the secrets yet.
  if (volume.empty() || (!primary && plan.upstream.empty()) || plan.tls_cert.empty()) {
    pass.RequeueIn(100);
    return false;
  }
  pass.env.runtime->Want(volume, std::move(plan));
  const PostgresRuntime::State state = pass.env.runtime->Get(volume);
  return state.running && state.primary == primary;
}

// Does the work inside a job's pod: it fills the volume. Returns true when the work has ended;
// `failure` says what went wrong.
bool Bootstrapped(Pass& pass, const Json& job, const Json& pod, std::string& failure) {
  if (pass.spec.fault == "initdb-fails") {
    failure = "initdb: error: simulated failure";
    return true;
  }
  if (pass.env.runtime == nullptr) return true;
  const std::string instance = LabelOf(job, "cnpg.io/instanceName");
  const bool primary = LabelOf(job, "cnpg.io/jobRole") != "join";
  const bool serving = Serve(pass, instance, primary, UidOf(pod));
  const PostgresRuntime::State state = pass.env.runtime->Get(pass.VolumeKey(instance));
  if (state.failed_attempt == UidOf(pod)) failure = state.attempt_failure;
  if (!state.failure.empty()) failure = state.failure;
  return serving || !failure.empty();
}

// Writes the line that `kubectl logs` shows for a failed recovery, in the instance manager's form.
Result<void> WriteLog(Pass& pass, Json& pod, const std::string& failure) {
  constexpr char kLog[] = "sim.slipway.dev/log";
  if (!AnnotationOf(pod, kLog).empty()) return {};
  const Json line = Json::Obj({{"level", "error"},
                               {"ts", FormatTime(pass.now())},
                               {"msg", "Error while restoring a backup"},
                               {"logging_pod", pod.At("/spec/hostname")},
                               {"error", failure}});
  const Json annotations = Json::Obj({{kLog, line.Dump() + "\n"}});
  return pass.PatchObject(pod,
                          Json::Obj({{"metadata", Json::Obj({{"annotations", annotations}})}}));
}

Result<void> PlayOneJob(Pass& pass, Json& job) {
  Json* pod = nullptr;
  int failed = 0;
  for (Json& one : pass.job_pods) {
    if (LabelOf(one, "job-name") != NameOf(job)) continue;
    const bool ended = one.At("/status/phase").AsString() == "Failed";
    failed += ended ? 1 : 0;
    // Takes the pod that has not failed, if there is one: only it may still have something to do.
    if (pod == nullptr || !ended) pod = &one;
  }
  const Json& about = pod == nullptr ? job : *pod;
  JobWork work{NodeOf(about), pass.spec.fault, HindranceOf(pass, about), {}, failed, {}};
  std::string why;
  work.done = [&](std::string& failure) {
    const bool done = Bootstrapped(pass, job, about, failure);
    why = failure;
    return done;
  };
  // The real job makes about six more attempts within ten minutes. Ours makes three in that time.
  const bool restores = LabelOf(job, "cnpg.io/jobRole") == "full-recovery";
  if (restores && pass.memory.origin) work.retry_after_ms = {40'000, 160'000, 400'000};
  TRY_VOID(PlayJob(pass, job, pod, work));
  return restores && pod != nullptr && !why.empty() ? WriteLog(pass, *pod, why) : Result<void>();
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
  if (!current.empty() && target == name && current != name) {  // a promotion
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
  if (current == name && target != name && target != "pending") {  // a demotion
    if (runtime != nullptr) runtime->Stop(volume);
    return PodReady(pod) && runtime != nullptr ? SetReady(pass, pod, false) : Result<void>();
  }
  if (!current.empty() && current != target && target != "pending") return {};  // not ours: wait
  const bool first = current.empty() && target == name, primary = first || current == name;
  const bool exited = runtime != nullptr && runtime->Get(volume).exited;
  if (exited) {
    if (PodReady(pod)) return SetReady(pass, pod, false);
    // A lost primary must not come back before the operator has decided about a failover.
    const bool others = pass.status()["readyInstances"].AsInt() > 0;
    if (target == "pending" || (primary && others)) return {};
  }
  const bool serving = Serve(pass, name, primary);
  if (exited) runtime->Restart(volume);  // with the plan for its present role, from Serve()
  if (!serving) return {};
  if (!PodReady(pod)) {
    const bool held = pass.spec.fault == "never-ready";
    if (held || !pass.Due("ready-" + UidOf(pod), kStartMs)) return {};
    if (first) TRY_VOID(take_over());
    TRY_VOID(SetReady(pass, pod, true));
  }
  return primary ? ReportArchiving(pass, volume) : Result<void>();
}

Result<void> PlayMachinery(Pass& pass) {
  for (Json& volume : pass.volumes) TRY_VOID(BindVolume(pass, volume));
  for (Json& job : pass.jobs)
    if (!JobComplete(job) && !JobFailed(job)) TRY_VOID(PlayOneJob(pass, job));
  for (Json& pod : pass.pods) {
    if (BeingDeleted(pod)) {  // the API server removes it after its grace period
      if (pass.env.runtime != nullptr) pass.env.runtime->Stop(pass.VolumeKey(NameOf(pod)));
      continue;
    }
    if (PodRunning(pod)) {
      TRY_VOID(PlayInstance(pass, pod));
      continue;
    }
    TRY(const bool placed, Schedule(pass, pod, NodeOf(pod), pass.spec.fault));
    if (!placed) continue;
    if (const Hindrance hindrance = HindranceOf(pass, pod)) {
      TRY_VOID(Hinder(pass, pod, hindrance));
      continue;
    }
    if (!pass.Due("start-" + UidOf(pod), kStartMs)) continue;
    const std::string current = pass.current_primary(), name = NameOf(pod);
    const bool primary = current.empty() ? pass.target_primary() == name : current == name;
    if (Serve(pass, name, primary)) TRY_VOID(SetRunning(pass, pod, false));
  }
  if (pass.env.runtime == nullptr) return {};
  // A server lives as long as its pod, or as the job that fills its volume.
  for (const Json& volume : pass.volumes) {
    const std::string& instance = LabelOf(volume, "cnpg.io/instanceName");
    bool used = pass.FindPod(instance) != nullptr;
    for (const Json& job : pass.jobs) used |= LabelOf(job, "cnpg.io/instanceName") == instance;
    if (!used) pass.env.runtime->Stop(UidOf(volume));
  }
  return {};
}

}  // namespace slipway::sim::operators::cnpg
