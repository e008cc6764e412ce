#include "judge.h"

#include <chrono>
#include <cstdio>

#include "objects.h"
#include "shards.h"
#include "sizes.h"

namespace vitess {

namespace {

constexpr int64_t kScheduleLateMs = 3600000;

// The worst of the pods' troubles. A missing volume is no trouble of its pod here: JudgeVolume
// names the volume itself.
std::optional<Trouble> FindTrouble(const std::vector<const Json*>& pods) {
  auto worst = WorstOfPods(pods);
  return worst && worst->severity > 0 ? std::move(worst) : std::nullopt;
}

Judgement Named(const Trouble& trouble, const std::string& count, int percent) {
  return Waiting(count + "; " + trouble.message, percent,
                 WaitingFor(*trouble.object, trouble.reason));
}

// Without two of its three members nothing else can go on.
std::optional<Judgement> JudgeEtcd(const Scene& scene) {
  const Json& etcd = scene.observed.cluster->At("status/globalLockserver/etcd");
  if (IsYes(etcd["available"])) return std::nullopt;
  const auto pods = scene.observed.PodsOf("etcd");
  if (const auto trouble = FindTrouble(pods)) return Named(*trouble, "etcd has no quorum", 0);
  const std::string name = JoinedName({scene.database.name, "etcd"}, kEtcdNameMax);
  for (int i = 1; i <= kEtcdMembers; ++i) {
    const std::string member = name + "-" + std::to_string(i);
    const Json* pod = scene.observed.PodNamed(member);
    if (pod != nullptr && IsReadyPod(*pod)) continue;
    if (auto volume = JudgeVolume(scene, member, 0)) return volume;
  }
  if (pods.size() < kEtcdMembers && scene.waited_ms > kSilentMs)
    return PodsMissing(scene, "EtcdLockserver", name, 0);
  return Waiting("etcd has no quorum yet", 0, scene.On("EtcdLockserver", name, "EtcdNotAvailable"));
}

std::optional<Judgement> JudgeGateways(const Scene& scene, int percent) {
  const Json& cells = scene.observed.cluster->At("status/cells");
  for (const std::string& cell : scene.database.cells) {
    if (IsYes(cells[cell]["gatewayAvailable"])) continue;
    const std::string message = "vtgate of the cell " + cell + " is not available";
    size_t pods = 0;
    for (const Json* pod : scene.observed.PodsOf("vtgate")) {
      if ((*pod)["metadata"]["labels"]["planetscale.com/cell"].AsString() != cell) continue;
      ++pods;
      if (!IsReadyPod(*pod))
        return Waiting(message, percent,
                       WaitingFor(*pod, IsGoing(*pod) ? "Terminating" : "NotReady"));
    }
    const std::string name = JoinedName({scene.database.name, cell});
    if (pods == 0 && scene.waited_ms > kSilentMs)
      return PodsMissing(scene, "VitessCell", name, percent);
    return Waiting(message, percent, scene.On("VitessCell", name, "GatewayNotAvailable"));
  }
  return std::nullopt;
}

std::optional<Judgement> JudgeOrphans(const Scene& scene, int percent) {
  for (const char* list : {"orphanedKeyspaces", "orphanedCells"}) {
    const Json& orphans = scene.observed.cluster->At("status")[list];
    if (orphans.keys().empty()) continue;
    return Waiting(orphans.keys().front() + " is no longer wanted, but still there: " +
                       orphans.items().front()["message"].AsString(),
                   percent, scene.On("VitessCluster", scene.database.name, "Orphaned"));
  }
  return std::nullopt;
}

std::optional<Judgement> JudgeKeyspace(const Scene& scene, int percent) {
  const std::string name = JoinedName({scene.database.name, kKeyspace});
  const Json* keyspace = scene.looks.Find(kApi, "VitessKeyspace", name);
  std::optional<Judgement> wrong;
  // Asks about all shards at once, for a step has four rounds.
  for (const KeyRange& range : scene.database.shards) {
    auto shard = JudgeShard(scene, range, percent);
    if (!wrong) wrong = std::move(shard);
  }
  if (keyspace == nullptr)
    return Waiting("the keyspace is looked up", percent,
                   scene.On("VitessKeyspace", name, "NotRead"));
  if (keyspace->IsNull())
    return Waiting("the keyspace does not exist yet", percent,
                   scene.On("VitessKeyspace", name, "NotFound"));
  if (wrong) return wrong;
  const Json& ready = Condition(*keyspace, "Ready");
  if (IsTrue(ready)) return std::nullopt;
  const std::string& reason = ready["reason"].AsString();
  return Waiting("the keyspace is not ready: " + ready["message"].AsString(), percent,
                 scene.On("VitessKeyspace", name, reason.empty() ? "NotReady" : reason.c_str()));
}

// "2026-11-22T07:00:00Z"
std::string Timestamp(int64_t ms) {
  namespace chrono = std::chrono;
  const chrono::sys_time<chrono::milliseconds> at{chrono::milliseconds(ms)};
  const auto day = chrono::floor<chrono::days>(at);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss time(chrono::floor<chrono::seconds>(at - day));
  char out[40];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return out;
}

// Looks at the reader of the bucket if the backup of a shard does not show.
Judgement JudgeStorage(const Scene& scene, const std::string& shard) {
  const std::string name = JoinedName({scene.database.name});
  const std::string pod_name = name + "-vitessbackupstorage-subcontroller";
  const Json* storage = scene.looks.Find(kApi, "VitessBackupStorage", name);
  const Json* pod = scene.looks.Find("v1", "Pod", pod_name);
  const auto waiting = [](const std::string& message, Json on) {
    return Progress("WaitingForBackup", message, -1, std::move(on));
  };
  if (storage == nullptr || pod == nullptr)
    return waiting("the backup storage is looked up",
                   scene.On("VitessBackupStorage", name, "NotRead"));
  if (pod->IsNull()) {
    return waiting("nothing reads the bucket: the operator makes the pod " + pod_name +
                       " only when it watches its own namespace too",
                   scene.On("Pod", pod_name, "PodMissing"));
  }
  if (const auto trouble = PodTrouble(*pod))
    return waiting(trouble->message, WaitingFor(*pod, trouble->reason));
  if (storage->IsNull() || !storage->At("status").Has("observedGeneration")) {
    return waiting("the bucket could not be listed yet: see the events of the VitessBackupStorage",
                   scene.On("VitessBackupStorage", name, "NotListed"));
  }
  return waiting("the shard has no complete backup yet",
                 scene.On("VitessShard", shard, "NoCompleteBackup"));
}

}  // namespace

Judgement JudgeCluster(const Scene& scene) {
  const Database& database = scene.database;
  const auto on_cluster = [&](const char* reason) { return kCluster.Waiting(database, reason); };
  if (auto absent = kCluster.Absent(database, scene.observed.cluster)) return *absent;
  const Json& cluster = *scene.observed.cluster;
  if (cluster.At("status/observedGeneration").AsInt(-1) <
      cluster["metadata"]["generation"].AsInt(0)) {
    if (scene.waited_ms <= kSilentMs) {
      return Progress("WaitingForOperator", "the operator has not seen the VitessCluster yet", 0,
                      on_cluster("NotObserved"));
    }
    return OperatorSilent("nothing has looked at the VitessCluster", "the Vitess operator",
                          scene.waited_ms, on_cluster("OperatorNotResponding"));
  }
  if (auto etcd = JudgeEtcd(scene)) return *etcd;
  const Json& counts = cluster.At("status/keyspaces")[kKeyspace];
  const int64_t ready = counts["readyTablets"].AsInt();
  const std::string count =
      std::to_string(ready) + " of " + std::to_string(database.Tablets()) + " tablets are ready";
  const int percent = Percent(ready, database.Tablets());
  auto wrong = JudgeKeyspace(scene, percent);
  if (scene.looks.Asks() && wrong) return *wrong;
  if (!wrong) wrong = JudgeGateways(scene, percent);
  if (!wrong) wrong = JudgeOrphans(scene, percent);
  if (!wrong && (ready != database.Tablets() || counts["desiredTablets"].AsInt() != ready ||
                 counts["readyShards"].AsInt() != database.Shards())) {
    wrong = Waiting("not all tablets are ready", percent, on_cluster("TabletsNotReady"));
  }
  if (!wrong && cluster.At("status/gatewayServiceName").AsString().empty())
    wrong = Waiting("vtgate has no Service yet", percent, on_cluster("NoGatewayService"));
  if (!wrong) return Ready("ClusterAvailable", count);
  if (const auto trouble = FindTrouble(scene.observed.pods)) return Named(*trouble, count, percent);
  wrong->message = count + "; " + wrong->message;
  return *wrong;
}

Judgement JudgeBackups(const Scene& scene) {
  Judgement health = JudgeCluster(scene);
  return health.IsReady() ? JudgeArchive(scene) : health;
}

Judgement JudgeArchive(const Scene& scene) {
  for (const KeyRange& range : scene.database.shards) {
    const std::string name = ShardName(scene.database, range);
    const Json* shard = scene.looks.Find(kApi, "VitessShard", name);
    int64_t complete = 0;
    if (shard == nullptr) {
      return Progress("WaitingForBackup", "the shard is looked up", -1,
                      scene.On("VitessShard", name, "NotRead"));
    }
    for (const Json& location : shard->At("status/backupLocations").items())
      complete += location["completeBackups"].AsInt();
    if (complete == 0) return JudgeStorage(scene, name);
  }
  const auto waiting = [&](const std::string& name, const char* reason, const char* message) {
    return Progress("WaitingForSchedule", "the schedule " + name + message, -1,
                    scene.On("VitessBackupSchedule", name, reason));
  };
  for (const char* which : {"full", "incremental"}) {
    if (std::string_view(which) == "incremental" &&
        scene.database.backup["incrementalEvery"].AsString() == "off")
      continue;
    const std::string name = scene.database.name + "-" + which;
    const Json* schedule = nullptr;
    for (const Json* one : scene.observed.schedules) {
      if ((*one)["metadata"]["name"].AsString() == name) schedule = one;
    }
    if (schedule == nullptr) return waiting(name, "NotFound", " does not exist yet");
    const Json& next = schedule->At("status/nextScheduledTimes");
    // A faulty schedule shows nowhere else.
    if (next.items().empty()) return waiting(name, "NotScheduled", " has no next time");
    for (const Json& time : next.items()) {
      if (time.AsString() < Timestamp(scene.now_ms - kScheduleLateMs))
        return waiting(name, "ScheduleLate", " is more than an hour late");
    }
  }
  return Ready("BackupsWork", "every shard has a complete backup and the next one is scheduled");
}

}  // namespace vitess
