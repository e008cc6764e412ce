#include "sim/cnpg/backups.h"

#include <algorithm>

#include "sim/operators/cron.h"
#include "sim/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

Json ChildBackup(const Json& parent, const Json& cluster, const std::string& name, bool immediate) {
  const Json& spec = parent["spec"];
  Json body = Json::Obj({{"cluster", spec["cluster"]}});
  for (const char* key :
       {"method", "pluginConfiguration", "target", "online", "onlineConfiguration"})
    if (spec.Has(key)) body.Set(key, spec[key]);
  Json labels = cluster.At("/spec/inheritedMetadata/labels");
  labels.Set("cnpg.io/cluster", NameOf(cluster))
      .Set("cnpg.io/immediateBackup", immediate ? "true" : "false");
  labels.Set("cnpg.io/scheduled-backup", NameOf(parent));
  Json metadata =
      Json::Obj({{"name", name},
                 {"namespace", NamespaceOf(parent)},
                 {"labels", std::move(labels)},
                 {"annotations", Json::Obj({{"cnpg.io/operatorVersion", kOperatorVersion}})}});
  const std::string& owner = spec["backupOwnerReference"].AsString();
  if (owner == "cluster" || owner == "self") {
    const Json& object = owner == "self" ? parent : cluster;
    metadata.Set("ownerReferences", Json::Arr({Json::Obj({{"apiVersion", kGroup},
                                                          {"controller", true},
                                                          {"kind", object["kind"]},
                                                          {"name", NameOf(object)},
                                                          {"uid", UidOf(object)}})}));
  }
  return Json::Obj({{"apiVersion", kGroup},
                    {"kind", "Backup"},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(body)}});
}

// "20261123112116"
std::string Compact(int64_t unix_ms) {
  std::string out;
  for (const char c : FormatSeconds(unix_ms))
    if (c >= '0' && c <= '9') out += c;
  return out;
}

Result<void> PatchStatus(PassEnvironment& env, const Json& object, Json status) {
  auto patched = env.kube.Patch(RefOf(object), kube::PatchType::kMerge,
                                Json::Obj({{"status", std::move(status)}}), "status");
  if (!patched) return std::move(patched).error();
  return {};
}

Result<void> NoteOnCluster(PassEnvironment& env, const Json& cluster, bool done,
                           const std::string& reason, const std::string& message) {
  Json conditions = cluster["status"]["conditions"];
  SetCondition(conditions, "LastBackupSucceeded", done, reason, message, env.clock.NowMs());
  Json status = Json::Obj({{"conditions", std::move(conditions)}});
  if (reason == "LastBackupFailed")
    status.Set("lastFailedBackup", FormatSeconds(env.clock.NowMs()));
  return PatchStatus(env, cluster, std::move(status));
}

// A ready replica, else the primary; "" when none is ready.
std::string SourcePod(const Json& cluster, const std::string& target) {
  const std::string& primary = cluster["status"]["currentPrimary"].AsString();
  std::string out;
  for (const Json& pod : cluster.At("/status/instancesStatus/healthy").items()) {
    const bool is_primary = pod.AsString() == primary;
    if (out.empty() || (is_primary == (target == "primary") && out == primary))
      out = pod.AsString();
    if (is_primary && target == "primary") return primary;
  }
  return out;
}

Result<int64_t> StartBackup(PassEnvironment& env, const Json& backup, const Json& cluster) {
  const ClusterSpec spec = ClusterSpec::Parse(cluster);
  const std::string pod = SourcePod(cluster, backup.At("/spec/target").AsString());
  if (!spec.hibernated && (pod.empty() || !ConditionTrue(cluster, "Ready"))) {
    TRY_VOID(PatchStatus(env, backup, Json::Obj({{"phase", "pending"}})));
    return static_cast<int64_t>(30'000 * env.pace) + 100;
  }
  const std::string now = FormatSeconds(env.clock.NowMs());
  const std::string method = backup.At("/spec/method").AsString("barmanObjectStore");
  Json status = Json::Obj({{"phase", "started"},
                           {"method", method},
                           {"majorVersion", cluster.At("/status/pgDataImageInfo/majorVersion")},
                           {"reconciliationStartedAt", now},
                           {"instanceID", Json::Obj({{"podName", pod},
                                                     {"ContainerID", "containerd://postgres"},
                                                     {"sessionID", "s-" + pod}})}});
  if (method == "plugin" && spec.has_plugin && !spec.hibernated) {
    TRY_VOID(PatchStatus(env, backup, std::move(status)));
    TRY_VOID(NoteOnCluster(env, cluster, false, "BackupStarted", "New Backup starting up"));
    return static_cast<int64_t>(12'000 * env.pace);
  }
  const std::string error =
      spec.hibernated      ? "cannot start a backup while the cluster is hibernated"
      : method == "plugin" ? "requested plugin is not available: " +
                                 backup.At("/spec/pluginConfiguration/name").AsString()
                           : "cannot proceed with the backup as the cluster has no backup section";
  status.Set("phase", "failed").Set("error", error).Set("reconciliationTerminatedAt", now);
  TRY_VOID(PatchStatus(env, backup, std::move(status)));
  TRY_VOID(NoteOnCluster(env, cluster, false, "LastBackupFailed", error));
  return -1;
}

Result<int64_t> FinishBackup(PassEnvironment& env, const Json& backup, const Json& cluster) {
  const int64_t started = ParseTime(backup.At("/status/reconciliationStartedAt").AsString());
  const int64_t left = started + static_cast<int64_t>(12'000 * env.pace) - env.clock.NowMs();
  if (left > 0) return left;
  const ClusterSpec spec = ClusterSpec::Parse(cluster);
  const std::string now = FormatSeconds(env.clock.NowMs()), begin = FormatSeconds(started),
                    compact = Compact(started);
  const std::string timeline = std::to_string(cluster.At("/status/timelineID").AsInt(1));
  const std::string wal =
      std::string(8 - std::min<size_t>(8, timeline.size()), '0') + timeline + "0000000000000006";
  TRY_VOID(
      PatchStatus(env, backup,
                  Json::Obj({{"phase", "completed"},
                             {"online", true},
                             {"backupId", compact.substr(0, 8) + "T" + compact.substr(8)},
                             {"backupName", "backup-" + compact},
                             {"beginWal", wal},
                             {"endWal", wal},
                             {"beginLSN", "0/6000028"},
                             {"endLSN", "0/6000158"},
                             {"startedAt", begin},
                             {"stoppedAt", now},
                             {"reconciliationTerminatedAt", now},
                             {"pluginMetadata", Json::Obj({{"clusterUID", spec.uid},
                                                           {"displayName", "BarmanCloudInstance"},
                                                           {"name", kBarmanPlugin},
                                                           {"pluginName", kBarmanPlugin},
                                                           {"timeline", timeline},
                                                           {"version", kPluginVersion}})}})));
  TRY_VOID(NoteOnCluster(env, cluster, true, "LastBackupSucceeded", "Backup was successful"));
  Json window = Json::MakeObject();
  window.Set(spec.server_name,
             Json::Obj({{"firstRecoverabilityPoint", now}, {"lastSuccessfulBackupTime", now}}));
  auto store = env.kube.Get({"barmancloud.cnpg.io/v1", "ObjectStore", spec.ns, spec.object_store});
  if (!store) return -1;
  const Json& first =
      store->At("/status/serverRecoveryWindow")[spec.server_name]["firstRecoverabilityPoint"];
  if (first.is_string()) window[spec.server_name].Set("firstRecoverabilityPoint", first);
  TRY_VOID(PatchStatus(env, *store, Json::Obj({{"serverRecoveryWindow", std::move(window)}})));
  return -1;
}

}  // namespace

Result<int64_t> ReconcileScheduledBackup(PassEnvironment& env, const std::string& ns,
                                         const std::string& name) {
  TRY(const Json schedule, env.kube.Get({kGroup, "ScheduledBackup", ns, name}));
  const Json& spec = schedule["spec"];
  auto cluster = env.kube.Get({kGroup, "Cluster", ns, spec.At("/cluster/name").AsString()});
  if (BeingDeleted(schedule) || spec["suspend"].AsBool() || !cluster) return -1;
  if (ClusterSpec::Parse(*cluster).fault == "operator-absent") return -1;
  const int64_t now = env.clock.NowMs();
  const int64_t planned = ParseTime(schedule.At("/status/nextScheduleTime").AsString());
  const bool first = !schedule["status"].Has("lastCheckTime");
  const bool due = first ? spec["immediate"].AsBool() : planned > 0 && planned <= now;
  const int64_t next = NextSchedule(spec["schedule"].AsString(), now);
  if (!first && !due) return planned > now ? planned - now : -1;
  Json status = Json::Obj({{"lastCheckTime", FormatSeconds(now)}});
  if (next > 0) status.Set("nextScheduleTime", FormatSeconds(next));
  if (due) {
    auto created =
        env.kube.Create(ChildBackup(schedule, *cluster, name + "-" + Compact(now), first));
    if (!created && created.error().code != Code::kAlreadyExists) return std::move(created).error();
    status.Set("lastScheduleTime", FormatSeconds(now));
  }
  TRY_VOID(PatchStatus(env, schedule, std::move(status)));
  return next > 0 ? next - now : -1;
}

Result<int64_t> ReconcileBackup(PassEnvironment& env, const std::string& ns,
                                const std::string& name) {
  TRY(const Json backup, env.kube.Get({kGroup, "Backup", ns, name}));
  const std::string& phase = backup.At("/status/phase").AsString();
  if (BeingDeleted(backup) || phase == "completed" || phase == "failed") return -1;
  TRY(const Json cluster,
      env.kube.Get({kGroup, "Cluster", ns, backup.At("/spec/cluster/name").AsString()}));
  if (ClusterSpec::Parse(cluster).fault == "operator-absent") return -1;
  return phase == "started" ? FinishBackup(env, backup, cluster)
                            : StartBackup(env, backup, cluster);
}

}  // namespace slipway::sim::operators::cnpg
