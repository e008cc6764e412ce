#include "shards.h"

#include "objects.h"

namespace vitess {

namespace {

// Tablets wait for ever for a first backup that cannot be written.
std::optional<Judgement> JudgeFirstBackup(const Scene& scene, const KeyRange& range, int percent) {
  if (!scene.database.HasBackup()) return std::nullopt;
  const std::string name =
      JoinedName({scene.database.name, kKeyspace, range.Safe(), "vtbackup", "init"});
  const Json* pod = scene.looks.Find("v1", "Pod", name);
  if (pod == nullptr || pod->IsNull()) return std::nullopt;
  if (const auto trouble = PodTrouble(*pod))
    return Waiting("the first backup: " + trouble->message, percent,
                   WaitingFor(*pod, trouble->reason));
  for (const Json& status : pod->At("status/containerStatuses").items()) {
    if (status["restartCount"].AsInt() == 0) continue;
    return Waiting("the first backup was started " +
                       std::to_string(status["restartCount"].AsInt() + 1) +
                       " times: see the log of its pod, and the bucket, endpoint and credentials",
                   percent, WaitingFor(*pod, "InitialBackupFailing"));
  }
  if (pod->At("status/phase").AsString() != "Succeeded")
    return Waiting("the first backup is being written", percent,
                   WaitingFor(*pod, "InitialBackupRunning"));
  return std::nullopt;
}

std::optional<Judgement> JudgeTablet(const Scene& scene, const std::string& shard,
                                     const std::string& alias, const Json& tablet, int percent) {
  const std::string name = JoinedName({scene.database.name, "vttablet", alias});
  const Json* pod = scene.observed.PodNamed(name);
  if (pod == nullptr && scene.waited_ms > kSilentMs)
    return PodsMissing(scene, "VitessShard", shard, percent);
  if (!IsYes(tablet["dataVolumeBound"])) {
    if (auto volume = JudgeVolume(scene, name, percent)) return volume;
  }
  if (tablet["type"].AsString() == "drained")
    return Waiting("the tablet " + alias + " is drained", percent,
                   scene.On("Pod", name, "TabletDrained"));
  if (!IsYes(tablet["ready"]) || pod == nullptr || !IsReadyPod(*pod)) {
    const bool restores = tablet["type"].AsString() == "restore";
    return Waiting("the tablet " + alias + (restores ? " is restoring a backup" : " is not ready"),
                   percent, scene.On("Pod", name, restores ? "Restoring" : "NotReady"));
  }
  if (!tablet["pendingChanges"].AsString().empty())
    return Waiting("the tablet " + alias + " has pending changes", percent,
                   scene.On("Pod", name, "RollingOut"));
  return std::nullopt;
}

}  // namespace

std::string ShardName(const Database& database, const KeyRange& range) {
  return JoinedName({database.name, kKeyspace, range.Safe()});
}

Judgement PodsMissing(const Scene& scene, const char* kind, const std::string& owner, int percent) {
  for (const char* name : {"vitess", "vitess-operator-control-plane"}) {
    const Json* priority = scene.looks.Find("scheduling.k8s.io/v1", "PriorityClass", name);
    if (priority != nullptr && priority->IsNull()) {
      return Waiting("the PriorityClass " + std::string(name) +
                         " does not exist, so no pod is admitted: it comes with the operator",
                     percent, WaitingFor("PriorityClass", "", name, "NotFound"));
    }
  }
  return Waiting(std::string("pods of the ") + kind + " " + owner +
                     " cannot be created: a resource quota, a limit range or an admission webhook "
                     "refuses them, see its events",
                 percent, scene.On(kind, owner, "PodsNotCreated"));
}

std::optional<Judgement> JudgeVolume(const Scene& scene, const std::string& name, int percent) {
  const Json* volume = scene.looks.Find("v1", "PersistentVolumeClaim", name);
  if (volume == nullptr || volume->IsNull()) return std::nullopt;
  const auto trouble = VolumeTrouble(*volume);
  if (!trouble) return std::nullopt;
  return Waiting(trouble->message, percent, WaitingFor(*volume, trouble->reason));
}

std::optional<Judgement> JudgeShard(const Scene& scene, const KeyRange& range, int percent) {
  const std::string name = ShardName(scene.database, range);
  const Json* shard = scene.looks.Find(kApi, "VitessShard", name);
  const auto on_shard = [&](const char* reason) { return scene.On("VitessShard", name, reason); };
  if (shard == nullptr) return Waiting("the shard is looked up", percent, on_shard("NotRead"));
  if (shard->IsNull())
    return Waiting("the shard " + range.Text() + " does not exist yet", percent,
                   on_shard("NotFound"));
  const Json& status = shard->At("status");
  if (status["observedGeneration"].AsInt(-1) < (*shard)["metadata"]["generation"].AsInt(0))
    return Waiting("the operator has not seen the shard yet", percent, on_shard("NotObserved"));
  if (const Json& orphans = status["orphanedTablets"]; !orphans.keys().empty()) {
    return Waiting("the tablet " + orphans.keys().front() +
                       " is no longer wanted, but still there: " +
                       orphans.items().front()["reason"].AsString(),
                   percent, on_shard("TabletOrphaned"));
  }
  const Json& tablets = status["tablets"];
  const bool has_primary = IsYes(status["hasMaster"]);
  if (!has_primary) {
    if (auto backup = JudgeFirstBackup(scene, range, percent)) return backup;
  }
  // A missing primary matters more than a missing replica.
  const std::string& primary = status["masterAlias"].AsString();
  if (has_primary) {
    if (tablets[primary]["type"].AsString() != "primary")
      return Waiting("the primary is changing", percent, on_shard("PrimaryChanging"));
    if (!IsYes(tablets[primary]["ready"])) {
      return Waiting("the primary " + primary + " is not ready", percent,
                     scene.On("Pod", JoinedName({scene.database.name, "vttablet", primary}),
                              "PrimaryNotReady"));
    }
  }
  for (size_t i = 0; i < tablets.keys().size(); ++i) {
    if (auto wrong = JudgeTablet(scene, name, tablets.keys()[i], tablets.items()[i], percent))
      return wrong;
  }
  if (static_cast<int64_t>(tablets.keys().size()) != scene.database.instances)
    return Waiting("the shard does not have all its tablets", percent, on_shard("TabletsMissing"));
  if (!has_primary)
    return Waiting("the shard " + range.Text() + " has no primary", percent, on_shard("NoPrimary"));
  return std::nullopt;
}

}  // namespace vitess
