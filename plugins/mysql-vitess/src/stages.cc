#include "stages.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backups.h"
#include "judge.h"
#include "objects.h"
#include "recovery.h"
#include "secrets.h"
#include "sizes.h"
#include "surroundings.h"

namespace vitess {

namespace {

// Of what no watch reports: the backups in the bucket, and the shard.
constexpr int64_t kListLookMs = 3000;

// Asks for all volumes of an instance: they have no label of ours, but their names are known.
std::optional<Judgement> LeftVolume(const Scene& scene) {
  const Database& database = scene.database;
  std::vector<std::string> names;
  const std::string etcd = JoinedName({database.name, "etcd"}, kEtcdNameMax);
  for (int i = 1; i <= kEtcdMembers; ++i) names.push_back(etcd + "-" + std::to_string(i));
  for (const KeyRange& range : database.shards) {
    for (size_t cell = 0; cell < database.cells.size(); ++cell) {
      for (int64_t i = 1; i <= database.TabletsIn(cell); ++i)
        names.push_back(JoinedName(
            {database.name, "vttablet", TabletAlias(database.cells[cell], kKeyspace, range, i)}));
    }
  }
  std::optional<Judgement> left;
  for (const std::string& name : names) {
    const Json* volume = scene.looks.Find("v1", "PersistentVolumeClaim", name);
    if (volume != nullptr && !volume->IsNull() && !left) left = StillThere(*volume, 60);
  }
  if (!left && scene.looks.Asks()) {
    left = Progress("WaitingForDeletion", "the volumes are looked up", 60,
                    scene.On("PersistentVolumeClaim", names.front(), "NotRead"));
  }
  return left;
}

}  // namespace

// vtgate is one endpoint for reads and writes; clients reach replicas through it as app@replica.
Json Stages::Endpoints() const {
  std::string service;
  if (observed.cluster != nullptr)
    service = observed.cluster->At("status/gatewayServiceName").AsString();
  if (service.empty()) service = JoinedName({instance.name, "vtgate"}, kServiceNameMax, true);
  return Json::Arr({Endpoint("primary", "READ_WRITE", service, kPort)});
}

Json Stages::NamespaceCreation() const {
  Json apply = NetworkPolicies(instance, settings);
  apply.Push(Defaults(instance));
  if (instance.HasBackup()) apply.Append(BackupRights(instance));
  return Applying(Ready("NamespacePrepared", "the network policies are in place"),
                  std::move(apply));
}

Json Stages::CrdDeployment() const {
  // A new shard first writes a backup.
  if (instance.HasBackup()) {
    if (auto wait = WaitForSecret(input, "backup_credentials",
                                  instance.backup["credentialsSecret"].AsString(),
                                  {instance.backup["credentialsKey"].AsString()}))
      return *wait;
  }
  Json apply = Secrets(instance);
  if (IsBegun()) {
    apply.Push(VitessCluster(instance, settings));
  } else if (observed.cluster == nullptr) {
    const Json& archive = instance.source["archive"];
    if (auto wait =
            WaitForSecret(input, "source_credentials", archive["credentialsSecret"].AsString(),
                          {archive["credentialsKey"].AsString()}))
      return *wait;
    apply.Push(VitessCluster(instance.Alone(), settings, Form::kFromSource));
  }
  return Applying(kCluster.Created(instance, observed.cluster),
                  std::move(apply.Append(DisruptionBudgets(instance))));
}

bool Stages::IsBegun() const {
  return !instance.IsRestored() ||
         !InventoryLine(input, "VitessBackupSchedule", instance.name + "-full").IsNull();
}

Json Stages::Restore() const {
  const Database alone = instance.Alone();
  const Scene scene{alone, observed, looks_, now_ms, waited_ms};
  Judgement health = JudgeCluster(scene);
  if (observed.cluster == nullptr)
    return Applying(health, Json::Arr({VitessCluster(alone, settings, Form::kFromSource)}));
  const bool reads = ClusterReadsSource(*observed.cluster);
  if (!health.IsReady()) {
    if (health.reason == "WaitingForInstances") {
      health.reason = "Restoring";
      health.percent = -1;
      health.message = (reads ? "the data is being restored; "
                              : "the tablet is being taken off the source's backups; ") +
                       health.message;
    }
    return looks_.Asking(Result(health)).Set("retry_after_ms", kListLookMs);
  }
  if (!reads) return FirstBackup(scene);
  return Applying(Progress("Restoring", "the data is there; the tablet is taken off the source", -1,
                           kCluster.Waiting(alone, "RollingOut")),
                  Json::Arr({VitessCluster(alone, settings)}))
      .Set("retry_after_ms", kListLookMs);
}

Json Stages::FirstBackup(const Scene& alone) const {
  const KeyRange& range = alone.database.shards.front();
  // A backup of a tablet that still reads the source's folder would be written there.
  const std::string tablet = JoinedName(
      {instance.name, "vttablet", TabletAlias(alone.database.cells.front(), kKeyspace, range, 1)});
  const Json* pod = looks_.Find("v1", "Pod", tablet);
  const Json* backups = ListedBackups(alone);
  const std::string name = instance.name + "-first-backup";
  Run run = JudgeRun(alone, input, name, range);
  const auto answer = [&](const Judgement& judgement) {
    Json out = looks_.Asking(Result(judgement));
    if (judgement.state == VerdictState::kProgressing) out.Set("retry_after_ms", kListLookMs);
    return out;
  };
  if (run.judgement.IsReady())
    return answer(Ready("Restored", "the data is restored and backed up"));
  if (run.judgement.state == VerdictState::kFailed) {
    run.judgement.reason = "RestoreFailed";
    run.judgement.message = "the data is there; " + run.judgement.message;
  }
  if (!run.missing) return answer(run.judgement);
  if (pod == nullptr || backups == nullptr || !pod->IsObject() ||
      PodReadsSource(alone.database, *pod)) {
    return answer(Progress("Restoring", "the tablet is being taken off the source's backups", -1,
                           alone.On("Pod", tablet, "RollingOut")));
  }
  // The operator had an empty database backed up, to begin with: nobody may restore that.
  const std::string seed = OldestSeed(*backups);
  if (seed.empty()) {
    return answer(
        Progress("Restoring", "the operator's own first backup is not listed yet", -1,
                 alone.On("VitessBackupStorage", JoinedName({instance.name}), "NotListed")));
  }
  return answer(run.judgement)
      .Set("apply",
           Json::Arr({BackupJob(alone.database, settings, name, range, *observed.cluster, seed)}));
}

// A restored cluster grows from the backup of its single tablet. Only then must a second tablet
// have every write.
Json Stages::WaitingForReady() const {
  Judgement health = JudgeCluster(scene_);
  if (IsBegun()) {
    Json out = looks_.Asking(Result(health));
    if (observed.cluster == nullptr)
      out.Set("apply", Json::Arr({VitessCluster(instance, settings)}));
    return out;
  }
  const bool complete = instance.instances == 1 ||
                        (observed.cluster != nullptr && WaitsForSecondTablet(*observed.cluster));
  Form form = complete ? Form::kComplete : Form::kGrowing;
  if (health.IsReady() && !complete) {
    form = Form::kComplete;
    health = Progress("WaitingForInstances", "every write will wait for a second tablet", 99,
                      kCluster.Waiting(instance, "RollingOut"));
  }
  return looks_.Asking(Applying(health, Json::Arr({VitessCluster(instance, settings, form)})));
}

Json Stages::Backup() const {
  if (observed.cluster == nullptr) {
    const auto absent = kCluster.Absent(instance, observed.cluster);
    return Result(*absent);
  }
  Json apply = Json::Arr();
  Judgement worst = Ready("BackupCompleted", "every shard is backed up");
  const auto rank = [](const Judgement& judgement) {
    return judgement.state == VerdictState::kFailed ? 2 : judgement.IsReady() ? 0 : 1;
  };
  for (const KeyRange& range : instance.shards) {
    const std::string name = RunName(instance, input["operation"]["id"].AsString(), range);
    Run run = JudgeRun(scene_, input, name, range);
    if (run.missing) apply.Push(BackupJob(instance, settings, name, range, *observed.cluster));
    if (rank(run.judgement) > rank(worst)) worst = std::move(run.judgement);
  }
  Json outputs = BackupOutputs(scene_);
  Json out = looks_.Asking(Result(worst));
  if (worst.state == VerdictState::kProgressing) out.Set("retry_after_ms", kListLookMs);
  if (!outputs.IsNull()) out.Set("outputs", std::move(outputs));
  return apply.items().empty() ? out : out.Set("apply", std::move(apply));
}

Json Stages::CredentialGen() const {
  const std::string secret = CredentialsName(instance);
  if (auto wait = WaitForSecret(input, "credentials", secret, {"username", "password", "database"}))
    return *wait;
  return CredentialsReady(
      "vtgate has the credentials", Endpoints(), secret,
      Json::Obj({{"username", "username"}, {"password", "password"}, {"database", "database"}}));
}

Json Stages::BackupConfig() const {
  if (auto blocked = BlockedWithout(input, kScheduleKind, "the Vitess operator 2.17"))
    return *blocked;
  Json out = Applying(JudgeBackups(scene_), BackupSchedules(instance, settings));
  if (Json outputs = BackupOutputs(scene_); !outputs.IsNull())
    out.Set("outputs", std::move(outputs));
  return looks_.Asking(std::move(out));
}

Json Stages::MetricsSetup() const {
  return ApplyMonitor(input, PodMonitor(instance));
}

Json Stages::ResourceDeletion() const {
  Teardown down(input);
  down.Delete({"VitessBackupSchedule", "Job"}, "DeletingSchedule",
              "the backup schedules are being deleted", 0);
  down.DeleteServed(kCluster.kind, observed.cluster, "DeletingCluster", 20);
  down.Await(observed.pods, 50);
  if (!down.Settled()) down.Await(LeftVolume(scene_));
  down.DeleteRest({"PodMonitor", "PodDisruptionBudget", "NetworkPolicy", "RoleBinding", "Role",
                   "ServiceAccount", "LimitRange"});
  down.Delete({"Secret"}, "DeletingSecrets", "the Secrets are being deleted", 90);
  return looks_.Asking(down.Answer());
}

Json Stages::Observe() const {
  const Judgement health = instance.HasBackup() ? JudgeBackups(scene_) : JudgeCluster(scene_);
  Json outputs = instance.HasBackup() ? BackupOutputs(scene_) : Json::Obj();
  if (outputs.IsNull()) outputs = Json::Obj();
  return looks_.Asking(Result(health)).Set("outputs", outputs.Set("endpoints", Endpoints()));
}

}  // namespace vitess
