#include "judge.h"

#include <algorithm>
#include <optional>

#include "objects.h"

namespace cnpg {

namespace {

constexpr char kHealthy[] = "Cluster in healthy state";

struct Phase {
  std::string_view text;
  VerdictState state;
  const char* reason;
};

using enum VerdictState;

// Phases that do not pass by themselves, or that a person should read. Every other phase, known or
// not, is progress.
constexpr Phase kPhases[] = {
    {"Cluster is unrecoverable and needs manual intervention", kFailed, "ClusterUnrecoverable"},
    {"Invalid cluster definition", kBlocked, "InvalidClusterDefinition"},
    {"Cluster has incomplete or invalid image catalog", kBlocked, "InvalidImageCatalog"},
    {"Cluster cannot execute instance online upgrade due to missing architecture binary", kBlocked,
     "MissingArchitecture"},
    {"Not enough disk space", kBlocked, "NotEnoughDiskSpace"},
    {"Waiting for user action", kBlocked, "WaitingForUser"},
    {"Unable to create required cluster objects", kProgressing, "CannotCreateObjects"},
    {"Cluster cannot proceed to reconciliation due to an unknown plugin being required",
     kProgressing, "UnknownPlugin"},
    {"Cluster cannot proceed to reconciliation due to an error while interacting with plugins",
     kProgressing, "PluginError"},
    {"Instance Status Extraction Error: HTTP communication issue", kProgressing,
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

bool HasPod(const Json& job, const Observed& observed) {
  const Json& name = job["metadata"]["name"];
  return std::any_of(observed.job_pods.begin(), observed.job_pods.end(), [&](const Json* pod) {
    const Json& labels = (*pod)["metadata"]["labels"];
    return labels["job-name"] == name || labels["batch.kubernetes.io/job-name"] == name;
  });
}

// The first object that is simply not finished yet.
Json NextObject(const Instance& instance, const Observed& observed) {
  for (const Json* pod : observed.pods) {
    if (!IsReadyPod(*pod)) return WaitingFor(*pod, IsGoing(*pod) ? "Terminating" : "NotReady");
  }
  for (const Json* job : observed.jobs) {
    if (job->At("status/active").AsInt() > 0) return WaitingFor(*job, "JobRunning");
  }
  return kCluster.Waiting(instance, "NotReady");
}

bool HasPlugin(const Json& cluster) {
  const auto& plugins = cluster.At("status/pluginStatus").items();
  return std::any_of(plugins.begin(), plugins.end(),
                     [](const Json& plugin) { return plugin["name"].AsString() == kBarmanPlugin; });
}

// Where the write-ahead log is not archived, though it should be.
std::optional<Judgement> ArchiveTrouble(const Instance& instance, const Json& cluster,
                                        int percent) {
  const Json& archive = Condition(cluster, "ContinuousArchiving");
  if (IsTrue(archive)) return std::nullopt;
  if (archive.IsNull()) {
    return Progress("ArchivingFailing", "no write-ahead log has been archived yet", percent,
                    kCluster.Waiting(instance, "ArchivingNotStarted"));
  }
  return Progress("ArchivingFailing",
                  "the write-ahead log is not archived: " + ArchiveError(cluster), percent,
                  kCluster.Waiting(instance, "ArchivingFailing"));
}

std::optional<Judgement> PluginTrouble(const Instance& instance, const Json& cluster) {
  if (HasPlugin(cluster)) return std::nullopt;
  return Progress("WaitingForPlugin",
                  "the operator has not reported the plugin " + std::string(kBarmanPlugin), 0,
                  kCluster.Waiting(instance, "WaitingForPlugin"));
}

std::optional<Judgement> Hibernated(const Instance& instance, const Json& cluster) {
  if (!IsTrue(Condition(cluster, "cnpg.io/hibernation"))) return std::nullopt;
  return Blocked("Hibernated", "the cluster is hibernated", 0,
                 kCluster.Waiting(instance, "Hibernated"));
}

}  // namespace

std::optional<Trouble> FindTrouble(const Observed& observed) {
  auto worst = Worse(WorstOfPods(observed.pods), WorstOfPods(observed.job_pods));
  for (const Json* job : observed.jobs)
    worst = Worse(std::move(worst), JobTrouble(*job, HasPod(*job, observed)));
  return Worse(std::move(worst), WorstOfVolumes(observed.volumes));
}

const std::string& ArchiveError(const Json& cluster) {
  return Condition(cluster, "ContinuousArchiving")["message"].AsString();
}

// Without an archiver the operator says that archiving works.
std::string ArchiveState(const Observed& observed) {
  if (observed.cluster == nullptr) return "";
  const Json& archive = Condition(*observed.cluster, "ContinuousArchiving");
  if (archive.IsNull() || !HasPlugin(*observed.cluster)) return "NOT_STARTED";
  return IsTrue(archive) ? "HEALTHY" : "FAILING";
}

Observed::Observed(const Json& objects, const Instance& instance) {
  for (const Json& object : objects.items()) {
    const std::string& kind = object["kind"].AsString();
    if (kind == kCluster.kind && object["metadata"]["name"].AsString() == instance.name)
      cluster = &object;
    if (kind == "PersistentVolumeClaim") volumes.push_back(&object);
    if (kind == "Job") jobs.push_back(&object);
    if (kind == "Service") services.push_back(&object);
    if (kind == "Backup" && object.At("spec/cluster/name").AsString() == instance.name)
      backups.push_back(&object);
    if (kind == "ObjectStore" && object["metadata"]["name"].AsString() == ObjectStoreName(instance))
      store = &object;
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
  const auto on_cluster = [&](const char* reason) { return kCluster.Waiting(instance, reason); };
  if (auto absent = kCluster.Absent(instance, observed.cluster)) return *absent;
  const Json& cluster = *observed.cluster;
  const std::string& phase = cluster.At("status/phase").AsString();
  for (const Phase& known : kPhases) {
    if (known.text != phase) continue;
    return {known.state, known.reason, phase + Because(cluster), -1, on_cluster(known.reason)};
  }

  const int64_t ready_pods = ReadyPods(observed.pods);
  const std::string count = std::to_string(ready_pods) + " of " +
                            std::to_string(instance.instances) + " instances are ready";
  const int percent = Percent(ready_pods, instance.instances);
  const std::string& current = cluster.At("status/currentPrimary").AsString();
  const std::string& target = cluster.At("status/targetPrimary").AsString();
  const bool all_there = ready_pods == instance.instances &&
                         observed.pods.size() == static_cast<size_t>(instance.instances) &&
                         cluster.At("status/readyInstances").AsInt() == instance.instances;

  if (IsFenced(cluster)) {
    return Blocked("InstancesFenced", "instances are fenced", percent,
                   on_cluster("InstancesFenced"));
  }
  if (auto hibernated = Hibernated(instance, cluster)) return *hibernated;
  if (phase == kHealthy && all_there && !current.empty() && current == target) {
    auto trouble = archiving ? ArchiveTrouble(instance, cluster, percent) : std::nullopt;
    return trouble ? *std::move(trouble) : Ready("ClusterHealthy", count);
  }
  if (const auto trouble = FindTrouble(observed)) {
    return Progress("WaitingForInstances", count + "; " + trouble->message, percent,
                    WaitingFor(*trouble->object, trouble->reason));
  }
  if (phase.empty() && waited_ms > kSilentMs) {
    return OperatorSilent("the Cluster has had no status", "CloudNativePG", waited_ms,
                          on_cluster("OperatorNotResponding"));
  }
  if (all_there && current != target) {
    return Progress("PrimaryChanging", "the primary is moving from " + current + " to " + target,
                    percent, on_cluster("PrimaryChanging"));
  }
  return Progress("WaitingForInstances",
                  count + (phase.empty() ? "" : "; " + phase + Because(cluster)), percent,
                  NextObject(instance, observed));
}

Judgement JudgeArchiving(const Instance& instance, const Observed& observed, int64_t waited_ms) {
  Judgement health = JudgeCluster(instance, observed, true, waited_ms);
  if (!health.IsReady()) return health;
  if (auto missing = PluginTrouble(instance, *observed.cluster)) return *missing;
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
    return Progress("RollingOut",
                    std::to_string(with_sidecar) + " of " + std::to_string(instance.instances) +
                        " instances have the backup side-car",
                    static_cast<int>(with_sidecar * 100 / std::max<int64_t>(instance.instances, 1)),
                    WaitingFor(*without, "SidecarMissing"));
  }
  return Ready("ArchivingWorks", "continuous archiving works");
}

Judgement JudgeArchiver(const Instance& instance, const Observed& observed) {
  if (auto absent = kCluster.Absent(instance, observed.cluster)) return *absent;
  const Json& cluster = *observed.cluster;
  if (auto hibernated = Hibernated(instance, cluster)) return *hibernated;
  if (auto missing = PluginTrouble(instance, cluster)) return *missing;
  if (auto failing = ArchiveTrouble(instance, cluster, 0)) return *failing;
  return Ready("ArchivingWorks", "continuous archiving works");
}

}  // namespace cnpg
