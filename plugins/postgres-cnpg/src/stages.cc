#include "stages.h"

#include <utility>

#include "backups.h"
#include "objects.h"
#include "recovery.h"
#include "rollout.h"

namespace cnpg {

// Once there is an ObjectStore the Cluster keeps its archiver, whichever stage is repeated.
bool Stages::Archiving() const {
  return instance.HasBackup() &&
         !InventoryLine(input, "ObjectStore", ObjectStoreName(instance)).IsNull();
}

Json Stages::MainObjects() const {
  Json out = Json::Arr();
  if (instance.IsRestored()) out.Push(SourceStore(instance));
  return out.Push(Cluster(instance, settings, Archiving()));
}

Json Stages::Endpoints() const {
  Json out = Json::Arr({Endpoint("primary", "READ_WRITE", instance.name + "-rw", kPort)});
  if (instance.instances > 1)
    out.Push(Endpoint("replicas", "READ_ONLY", instance.name + "-ro", kPort));
  return out;
}

Json Stages::NamespaceCreation() const {
  return Applying(Ready("NetworkPolicyApplied", "the network policy is in place"),
                  Json::Arr({NetworkPolicy(instance, settings.operator_namespace)}));
}

Json Stages::CrdDeployment() const {
  if (instance.IsRestored()) {
    if (auto blocked = BlockedWithout(input, kObjectStoreKind, kBarmanInstall)) return *blocked;
    // Only the restore itself reads the archive.
    auto wait = observed.cluster != nullptr
                    ? std::nullopt
                    : WaitForSecret(input, "source_credentials",
                                    instance.source.At("archive/credentialsSecret").AsString(),
                                    StoreKeys(instance.source["archive"]));
    if (wait) return *wait;
  }
  return Applying(kCluster.Created(instance, observed.cluster), MainObjects());
}

Json Stages::Restore() const {
  Json out = Result(JudgeRestore(instance, observed, waited_ms));
  if (observed.cluster == nullptr) out.Set("apply", MainObjects());
  return out;
}

Json Stages::WaitingForReady() const {
  Json out = Result(JudgeCluster(instance, observed, false, waited_ms));
  if (observed.cluster == nullptr) out.Set("apply", MainObjects());
  return out;
}

Json Stages::CredentialGen() const {
  const std::string secret = instance.name + "-app";
  if (auto wait = WaitForSecret(input, "app_secret", secret, {"username", "password", "dbname"}))
    return *wait;
  return CredentialsReady(
      "the operator made the credentials", Endpoints(), secret,
      Json::Obj({{"username", "username"}, {"password", "password"}, {"database", "dbname"}}));
}

Json Stages::BackupConfig() const {
  for (const auto& [kind, install] : {std::pair(kObjectStoreKind, kBarmanInstall),
                                      std::pair(kScheduledBackupKind, "CloudNativePG")}) {
    if (auto blocked = BlockedWithout(input, kind, install)) return *blocked;
  }
  if (auto wait = WaitForSecret(input, "backup_credentials",
                                instance.backup["credentialsSecret"].AsString(),
                                StoreKeys(instance.backup))) {
    return *wait;
  }
  return Applying(JudgeArchiving(instance, observed, waited_ms),
                  Json::Arr({ObjectStore(instance), Cluster(instance, settings, true),
                             ScheduledBackup(instance)}));
}

Json Stages::Backup() const {
  const std::string name = BackupName(instance, input["operation"]["id"].AsString());
  const Sought sought = SeekBackup(input, observed, name);
  if (sought.answer) return *sought.answer;
  if (sought.backup != nullptr) {
    return Result(JudgeBackup(observed, *sought.backup, waited_ms, now_ms))
        .Set("outputs", BackupOutputs(instance, observed, sought.backup));
  }
  const Judgement archiver = JudgeArchiver(instance, observed);
  if (!archiver.IsReady()) return Result(archiver);
  return Applying(Progress("BackupRequested", "the backup " + name + " is being requested", -1,
                           WaitingFor("Backup", instance.ns, name, "NotObserved")),
                  Json::Arr({cnpg::Backup(instance, name, *observed.cluster)}));
}

Json Stages::Updated() const {
  return Result(JudgeUpdate(instance, input["previous"]["parameters"], observed, waited_ms));
}

Json Stages::Restart() const {
  if (auto absent = kCluster.Absent(instance, observed.cluster)) return Result(*absent);
  return AskRestart(instance, *observed.cluster, input["operation"]["started_ms"].AsInt());
}

Json Stages::Restarted() const {
  return Result(JudgeRestart(instance, observed, waited_ms));
}

Json Stages::Switchover() const {
  const Judgement health = JudgeCluster(instance, observed, false, waited_ms);
  if (observed.cluster == nullptr) return Result(health);
  return SwitchTo(
      {input["operation"]["id"].AsString(), input["arguments"]["target"].AsString(), now_ms},
      instance, observed, health);
}

Json Stages::MetricsSetup() const {
  return ApplyMonitor(input, PodMonitor(instance));
}

Json Stages::ResourceDeletion() const {
  Teardown down(input);
  down.Delete({"ScheduledBackup", "Backup"}, "DeletingSchedule",
              "the backup schedule is being deleted", 0);
  down.DeleteServed(kCluster.kind, observed.cluster, "DeletingCluster", 20);
  for (const auto* objects :
       {&observed.pods, &observed.job_pods, &observed.jobs, &observed.volumes, &observed.services})
    down.Await(*objects, 50);
  down.DeleteRest({"PodMonitor", "ObjectStore", "NetworkPolicy"});
  return down.Answer();
}

// A finished instance archives if backups were asked for and set up.
Json Stages::Observe() const {
  Json outputs = instance.HasBackup() ? BackupOutputs(instance, observed) : Json::Obj();
  outputs.Set("endpoints", Endpoints());
  return Result(JudgeCluster(instance, observed, instance.HasBackup(), waited_ms))
      .Set("outputs", std::move(outputs));
}

}  // namespace cnpg
