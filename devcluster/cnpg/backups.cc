#include "devcluster/cnpg/backups.h"

#include <algorithm>

#include "devcluster/cnpg/object_stores.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

using Phase = PostgresRuntime::BackupState::Phase;

constexpr double kTurnMs = 10'000, kPodMs = 30'000, kPlayedMs = 12'000;

// A Backup and its Cluster, as one pass sees them.
struct Work {
  PassEnvironment& env;
  const Json& backup;
  const Json& cluster;
  ClusterSpec spec;

  const std::string& name() const { return NameOf(backup); }

  Result<void> Patch(Json status) const { return PatchStatusOf(env, backup, std::move(status)); }
};

Result<void> NoteOnCluster(const Work& work, bool done, const std::string& reason,
                           const std::string& message) {
  const int64_t now = work.env.clock.NowMs();
  Json conditions = work.cluster["status"]["conditions"];
  SetCondition(conditions, "LastBackupSucceeded", done, reason, message, now);
  Json status = Json::Obj({{"conditions", std::move(conditions)}});
  if (reason == "LastBackupFailed") status.Set("lastFailedBackup", FormatSeconds(now));
  return PatchStatusOf(work.env, work.cluster, std::move(status));
}

bool IsHealthy(const Json& cluster, const std::string& pod) {
  const auto& healthy = cluster.At("/status/instancesStatus/healthy").items();
  return std::any_of(healthy.begin(), healthy.end(),
                     [&](const Json& one) { return one.AsString() == pod; });
}

// The pod to back up: the primary when the target asks for it, otherwise a ready replica or, when
// there is none, the primary. "" when that pod is not ready.
std::string SourcePod(const Json& cluster, const std::string& target) {
  const std::string& primary = cluster["status"]["currentPrimary"].AsString();
  if (target == "primary") return IsHealthy(cluster, primary) ? primary : "";
  std::string out;
  for (const Json& pod : cluster.At("/status/instancesStatus/healthy").items())
    if (out.empty() || out == primary) out = pod.AsString();
  return out;
}

// True when another Backup of the Cluster runs, or is older than this one and has not ended.
Result<bool> MustWait(const Work& work) {
  TRY(const kube::ObjectList all,
      work.env.kube.List(kGroup, "Backup", NamespaceOf(work.backup), {}));
  const auto age = [](const Json& backup) {
    return std::pair(backup.At("/metadata/creationTimestamp").AsString(), NameOf(backup));
  };
  return std::any_of(all.items.begin(), all.items.end(), [&](const Json& other) {
    const std::string& phase = other.At("/status/phase").AsString();
    if (NameOf(other) == work.name() || BeingDeleted(other) || phase == "completed" ||
        phase == "failed" || other.At("/spec/cluster/name") != work.backup.At("/spec/cluster/name"))
      return false;
    return phase == "started" || age(other) < age(work.backup);
  });
}

Result<int64_t> Wait(const Work& work, double ms) {
  TRY_VOID(work.Patch(Json::Obj({{"phase", "pending"}})));
  return Paced(work.env, ms);
}

Result<void> Window(const Work& work, const char* field, int64_t time_ms) {
  if (work.env.runtime == nullptr || !work.spec.has_plugin) return {};
  const auto archive =
      ResolveArchive(work.env, work.spec.ns, work.spec.object_store, work.spec.server_name);
  return WriteRecoveryWindow(work.env, work.spec.ns, work.spec.object_store, archive, field,
                             FormatSeconds(time_ms));
}

Result<int64_t> Fail(const Work& work, Json status, const std::string& error,
                     const std::string& detail = "") {
  const int64_t now = work.env.clock.NowMs();
  TRY_VOID(Window(work, "lastFailedBackupTime", now));
  status.Set("phase", "failed")
      .Set("error", error)
      .Set("reconciliationTerminatedAt", FormatSeconds(now));
  if (!detail.empty()) status.Set("commandError", detail);
  TRY_VOID(NoteOnCluster(work, false, "LastBackupFailed", error));
  TRY_VOID(work.Patch(std::move(status)));
  return -1;
}

Result<int64_t> Start(const Work& work) {
  const ClusterSpec& spec = work.spec;
  TRY(const bool must_wait, MustWait(work));
  if (must_wait) return Wait(work, kTurnMs);
  const std::string pod = SourcePod(work.cluster, work.backup.At("/spec/target").AsString());
  if (!spec.hibernated && (pod.empty() || !ConditionTrue(work.cluster, "Ready")))
    return Wait(work, kPodMs);
  const std::string method = work.backup.At("/spec/method").AsString("barmanObjectStore");
  Json status =
      Json::Obj({{"phase", "started"},
                 {"method", method},
                 {"majorVersion", work.cluster.At("/status/pgDataImageInfo/majorVersion")},
                 {"reconciliationStartedAt", FormatSeconds(work.env.clock.NowMs())},
                 {"instanceID", Json::Obj({{"podName", pod},
                                           {"ContainerID", "containerd://postgres"},
                                           {"sessionID", "s-" + pod}})}});
  if (method == "plugin" && spec.has_plugin && !spec.hibernated) {
    TRY_VOID(NoteOnCluster(work, false, "BackupStarted", "New Backup starting up"));
    TRY_VOID(work.Patch(std::move(status)));
    return 0;
  }
  const std::string error =
      spec.hibernated      ? "cannot start a backup while the cluster is hibernated"
      : method == "plugin" ? "requested plugin is not available: " +
                                 work.backup.At("/spec/pluginConfiguration/name").AsString()
                           : "cannot proceed with the backup as the cluster has no backup section";
  return Fail(work, std::move(status), error);
}

Result<int64_t> Complete(const Work& work, const BaseBackup& base) {
  const std::string stopped = FormatSeconds(base.end_ms);
  const std::string timeline = std::to_string(base.timeline);
  TRY_VOID(Window(work, "lastSuccessfulBackupTime", base.end_ms));
  TRY_VOID(NoteOnCluster(work, true, "LastBackupSucceeded", "Backup was successful"));
  TRY_VOID(
      work.Patch(Json::Obj({{"phase", "completed"},
                            {"online", true},
                            {"backupId", base.id},
                            {"backupName", base.name},
                            {"beginWal", base.begin_wal},
                            {"endWal", base.end_wal},
                            {"beginLSN", base.begin_lsn},
                            {"endLSN", base.end_lsn},
                            {"startedAt", FormatSeconds(base.begin_ms)},
                            {"stoppedAt", stopped},
                            {"reconciliationTerminatedAt", FormatSeconds(work.env.clock.NowMs())},
                            {"pluginMetadata", Json::Obj({{"clusterUID", work.spec.uid},
                                                          {"displayName", "BarmanCloudInstance"},
                                                          {"name", kBarmanPlugin},
                                                          {"pluginName", kBarmanPlugin},
                                                          {"timeline", timeline},
                                                          {"version", kPluginVersion}})}})));
  return -1;
}

// Plays a backup where no server stands behind the instances. It takes as long as the backup of a
// small server, and reports the positions of a fresh one.
Result<int64_t> Play(const Work& work) {
  const int64_t started = ParseTime(work.backup.At("/status/reconciliationStartedAt").AsString());
  const int64_t now = work.env.clock.NowMs();
  const int64_t left = started + static_cast<int64_t>(kPlayedMs * work.env.pace) - now;
  if (left > 0) return left;
  const std::string compact = CompactTime(started);
  BaseBackup base;
  base.id = compact.substr(0, 8) + "T" + compact.substr(8);
  base.name = "backup-" + compact;
  base.begin_ms = started;
  base.end_ms = now;
  base.timeline = work.cluster.At("/status/timelineID").AsInt(1);
  base.begin_wal = base.end_wal = SegmentAt(base.timeline, uint64_t{6} << 24, uint64_t{1} << 24);
  base.begin_lsn = "0/6000028";
  base.end_lsn = "0/6000158";
  auto store = work.env.kube.Get(
      {"barmancloud.cnpg.io/v1", "ObjectStore", work.spec.ns, work.spec.object_store});
  if (store) {
    const std::string stopped = FormatSeconds(now);
    const Json& first = store->At(
        "/status/serverRecoveryWindow")[work.spec.server_name]["firstRecoverabilityPoint"];
    Json window = Json::MakeObject();
    window.Set(work.spec.server_name,
               Json::Obj({{"firstRecoverabilityPoint", first.is_string() ? first : Json(stopped)},
                          {"lastSuccessfulBackupTime", stopped}}));
    TRY_VOID(
        PatchStatusOf(work.env, *store, Json::Obj({{"serverRecoveryWindow", std::move(window)}})));
  }
  return Complete(work, base);
}

// The uid of the claim for an instance's data; "" when the instance has no claim.
std::string VolumeOf(const Work& work, const std::string& instance) {
  auto claim = work.env.kube.Get({"v1", "PersistentVolumeClaim", work.spec.ns, instance});
  return claim ? UidOf(*claim) : "";
}

Result<int64_t> Follow(const Work& work) {
  PostgresRuntime& runtime = *work.env.runtime;
  const std::string& key = UidOf(work.backup);
  const PostgresRuntime::BackupState state = runtime.GetBackup(key);
  if (state.phase == Phase::kRunning) return -1;
  if (state.phase == Phase::kDone) return Complete(work, state.base);
  if (state.phase == Phase::kFailed)
    return Fail(work, Json::MakeObject(), state.failure, state.detail);
  // The runtime does not know the backup: it is new, or a restart of ours cut it short.
  const std::string& pod = work.backup.At("/status/instanceID/podName").AsString();
  if (!IsHealthy(work.cluster, pod) || !ConditionTrue(work.cluster, "Ready"))
    return Wait(work, kPodMs);
  PostgresRuntime::BackupRequest request;
  request.key = key;
  request.ns = work.spec.ns;
  request.name = work.name();
  request.volume = VolumeOf(work, pod);
  request.primary_volume = VolumeOf(work, work.cluster.At("/status/currentPrimary").AsString());
  request.archive =
      ResolveArchive(work.env, work.spec.ns, work.spec.object_store, work.spec.server_name);
  // After a restart of ours the statuses say healthy before the servers run again.
  if (!runtime.Get(request.volume).running || !runtime.Get(request.primary_volume).running)
    return Wait(work, kPodMs);
  runtime.StartBackup(std::move(request));
  return -1;
}

}  // namespace

int64_t Paced(const PassEnvironment& env, double ms) {
  return static_cast<int64_t>(ms * env.pace) + 100;
}

std::string CompactTime(int64_t unix_ms) {
  std::string out;
  for (const char c : FormatSeconds(unix_ms))
    if (c >= '0' && c <= '9') out += c;
  return out;
}

Result<void> PatchStatusOf(PassEnvironment& env, const Json& object, Json status) {
  auto patched = env.kube.Patch(RefOf(object), kube::PatchType::kMerge,
                                Json::Obj({{"status", std::move(status)}}), "status");
  if (!patched) return std::move(patched).error();
  return {};
}

Result<int64_t> ReconcileBackup(PassEnvironment& env, const std::string& ns,
                                const std::string& name) {
  TRY(const Json backup, env.kube.Get({kGroup, "Backup", ns, name}));
  const std::string& phase = backup.At("/status/phase").AsString();
  if (BeingDeleted(backup) || phase == "completed" || phase == "failed") {
    if (env.runtime != nullptr) env.runtime->ForgetBackup(UidOf(backup));
    return -1;
  }
  auto cluster = env.kube.Get({kGroup, "Cluster", ns, backup.At("/spec/cluster/name").AsString()});
  if (!cluster && cluster.error().code == Code::kNotFound) {
    TRY_VOID(PatchStatusOf(env, backup, Json::Obj({{"phase", "pending"}})));
    return Paced(env, kClusterMs);
  }
  if (!cluster) return std::move(cluster).error();
  const Work work{env, backup, *cluster, ClusterSpec::Parse(*cluster)};
  if (work.spec.fault == "operator-absent") return -1;
  if (phase != "started") return Start(work);
  return env.runtime == nullptr ? Play(work) : Follow(work);
}

}  // namespace slipway::sim::operators::cnpg
