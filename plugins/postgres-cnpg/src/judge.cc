#include "judge.h"

#include <algorithm>
#include <optional>

#include "objects.h"

namespace cnpg {

namespace {

constexpr int64_t kOperatorSilentMs = 60000;
constexpr char kHealthy[] = "Cluster in healthy state";

struct Phase {
  std::string_view text;
  const char* state;
  const char* reason;
};

// The phases that do not pass by themselves or say something a person should read; every other
// phase, known or not, is progress.
constexpr Phase kPhases[] = {
    {"Cluster is unrecoverable and needs manual intervention", "failed", "ClusterUnrecoverable"},
    {"Invalid cluster definition", "blocked", "InvalidClusterDefinition"},
    {"Cluster has incomplete or invalid image catalog", "blocked", "InvalidImageCatalog"},
    {"Cluster cannot execute instance online upgrade due to missing architecture binary", "blocked",
     "MissingArchitecture"},
    {"Not enough disk space", "blocked", "NotEnoughDiskSpace"},
    {"Waiting for user action", "blocked", "WaitingForUser"},
    {"Unable to create required cluster objects", "progressing", "CannotCreateObjects"},
    {"Cluster cannot proceed to reconciliation due to an unknown plugin being required",
     "progressing", "UnknownPlugin"},
    {"Cluster cannot proceed to reconciliation due to an error while interacting with plugins",
     "progressing", "PluginError"},
    {"Instance Status Extraction Error: HTTP communication issue", "progressing",
     "InstanceStatusUnreachable"},
};

// The annotation lists fenced instances as a JSON array in a string.
bool IsFenced(const Json& cluster) {
  const std::string& list =
      cluster["metadata"]["annotations"]["cnpg.io/fencedInstances"].AsString();
  return !list.empty() && list.find('"') != std::string::npos;
}

std::string Because(const Json& cluster) {
  const std::string& reason = cluster.At("status/phaseReason").AsString();
  return reason.empty() ? "" : ": " + reason;
}

int64_t ReadyPods(const Observed& observed) {
  return std::count_if(observed.pods.begin(), observed.pods.end(),
                       [](const Json* pod) { return IsReadyPod(*pod); });
}

bool HasPod(const Json& job, const Observed& observed) {
  const Json& name = job["metadata"]["name"];
  return std::any_of(observed.job_pods.begin(), observed.job_pods.end(), [&](const Json* pod) {
    const Json& labels = (*pod)["metadata"]["labels"];
    return labels["job-name"] == name || labels["batch.kubernetes.io/job-name"] == name;
  });
}

// The worst trouble of pods, volumes and jobs, if there is any.
std::optional<Trouble> FindTrouble(const Observed& observed) {
  std::optional<Trouble> worst;
  const auto take = [&](std::optional<Trouble> trouble) {
    if (trouble && (!worst || trouble->severity > worst->severity)) worst = std::move(trouble);
  };
  for (const Json* pod : observed.pods) take(PodTrouble(*pod));
  for (const Json* pod : observed.job_pods) take(PodTrouble(*pod));
  for (const Json* job : observed.jobs) take(JobTrouble(*job, HasPod(*job, observed)));
  for (const Json* volume : observed.volumes) take(VolumeTrouble(*volume));
  return worst;
}

// The first object that is simply not finished yet.
Json NextObject(const Instance& instance, const Observed& observed) {
  for (const Json* pod : observed.pods) {
    if (!IsReadyPod(*pod)) return WaitingFor(*pod, IsGoing(*pod) ? "Terminating" : "NotReady");
  }
  for (const Json* job : observed.jobs) {
    if (job->At("status/active").AsInt() > 0) return WaitingFor(*job, "JobRunning");
  }
  return WaitingFor("Cluster", instance.ns, instance.name, "NotReady");
}

}  // namespace

Observed::Observed(const Json& objects, const std::string& name) {
  for (const Json& object : objects.items()) {
    const std::string& kind = object["kind"].AsString();
    if (kind == "Cluster" && object["metadata"]["name"].AsString() == name) cluster = &object;
    if (kind == "PersistentVolumeClaim") volumes.push_back(&object);
    if (kind == "Job") jobs.push_back(&object);
    if (kind == "Service") services.push_back(&object);
    if (kind != "Pod") continue;
    const Json& labels = object["metadata"]["labels"];
    if (labels["cnpg.io/podRole"].AsString() == "pooler") continue;
    const bool job = labels.Has("cnpg.io/jobRole") || labels.Has("job-name") ||
                     labels.Has("batch.kubernetes.io/job-name");
    (job ? job_pods : pods).push_back(&object);
  }
}

Judgement JudgeCluster(const Instance& instance, const Observed& observed, bool archiving,
                       int64_t waited_ms) {
  const auto on_cluster = [&](const char* reason) {
    return WaitingFor("Cluster", instance.ns, instance.name, reason);
  };
  if (observed.cluster == nullptr) {
    return {"progressing", "ClusterMissing", "the Cluster does not exist", 0,
            on_cluster("NotFound")};
  }
  const Json& cluster = *observed.cluster;
  if (IsGoing(cluster)) {
    return {"progressing", "ClusterTerminating", "the Cluster is being deleted", 0,
            on_cluster("Terminating")};
  }
  const std::string& phase = cluster.At("status/phase").AsString();
  for (const Phase& known : kPhases) {
    if (known.text != phase) continue;
    return {known.state, known.reason, phase + Because(cluster), -1, on_cluster(known.reason)};
  }

  const int64_t ready_pods = ReadyPods(observed);
  const std::string count = std::to_string(ready_pods) + " of " +
                            std::to_string(instance.instances) + " instances are ready";
  const int percent = Percent(ready_pods, instance.instances);
  const std::string& current = cluster.At("status/currentPrimary").AsString();
  const std::string& target = cluster.At("status/targetPrimary").AsString();
  const bool all_there = ready_pods == instance.instances &&
                         observed.pods.size() == static_cast<size_t>(instance.instances) &&
                         cluster.At("status/readyInstances").AsInt() == instance.instances;

  if (IsFenced(cluster)) {
    return {"blocked", "InstancesFenced", "instances are fenced", percent,
            on_cluster("InstancesFenced")};
  }
  if (IsTrue(Condition(cluster, "cnpg.io/hibernation"))) {
    return {"blocked", "Hibernated", "the cluster is hibernated", 0, on_cluster("Hibernated")};
  }
  if (phase == kHealthy && all_there && !current.empty() && current == target) {
    const Json& archive = Condition(cluster, "ContinuousArchiving");
    if (!archiving || IsTrue(archive)) return {"ready", "ClusterHealthy", count, 100, {}};
    const std::string& text = archive["message"].AsString();
    return {"progressing", "ArchivingFailing",
            archive.IsNull() ? "no write-ahead log was archived yet"
                             : "the write-ahead log is not archived: " + text,
            percent, on_cluster(archive.IsNull() ? "ArchivingNotStarted" : "ArchivingFailing")};
  }
  if (const auto trouble = FindTrouble(observed)) {
    return {"progressing", "WaitingForInstances", count + "; " + trouble->message, percent,
            WaitingFor(*trouble->object, trouble->reason)};
  }
  if (phase.empty() && waited_ms > kOperatorSilentMs) {
    return {"progressing", "OperatorNotResponding",
            "the Cluster has had no status for " + std::to_string(waited_ms / 1000) +
                " s: CloudNativePG is not running or does not watch this namespace",
            0, on_cluster("OperatorNotResponding")};
  }
  if (all_there && current != target) {
    return {"progressing", "PrimaryChanging", "the primary moves from " + current + " to " + target,
            percent, on_cluster("PrimaryChanging")};
  }
  return {"progressing", "WaitingForInstances",
          count + (phase.empty() ? "" : "; " + phase + Because(cluster)), percent,
          NextObject(instance, observed)};
}

Judgement JudgeArchiving(const Instance& instance, const Observed& observed, int64_t waited_ms) {
  Judgement health = JudgeCluster(instance, observed, true, waited_ms);
  if (health.state != "ready") return health;
  const auto& plugins = observed.cluster->At("status/pluginStatus").items();
  if (std::none_of(plugins.begin(), plugins.end(),
                   [](const Json& plugin) { return plugin["name"].AsString() == kBarmanPlugin; })) {
    return {"progressing", "WaitingForPlugin",
            "the operator has not reported the plugin " + std::string(kBarmanPlugin), 0,
            WaitingFor("Cluster", instance.ns, instance.name, "WaitingForPlugin")};
  }
  // The phase can still say healthy from before the rollout: look at the pods.
  int64_t with_sidecar = 0;
  const Json* without = nullptr;
  for (const Json* pod : observed.pods) {
    if (HasContainer(*pod, kBarmanSidecar)) {
      ++with_sidecar;
    } else if (without == nullptr) {
      without = pod;
    }
  }
  if (without != nullptr) {
    return {"progressing", "RollingOut",
            std::to_string(with_sidecar) + " of " + std::to_string(instance.instances) +
                " instances have the backup side-car",
            static_cast<int>(with_sidecar * 100 / std::max<int64_t>(instance.instances, 1)),
            WaitingFor(*without, "SidecarMissing")};
  }
  return {"ready", "ArchivingWorks", "continuous archiving works", 100, {}};
}

}  // namespace cnpg
