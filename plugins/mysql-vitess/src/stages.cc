#include "stages.h"

#include "delete.h"
#include "judge.h"
#include "objects.h"

namespace vitess {

namespace {

void PushAll(Json& to, const Json& objects) {
  for (const Json& object : objects.items()) to.Push(object);
}

// A step with everything that its stages look at.
struct StepOf {
  const Settings& settings;
  const Json& input;
  Database database;
  Observed observed;
  mutable Looks looks;
  Scene scene;

  StepOf(const Settings& with, const Json& in, int64_t now_ms)
      : settings(with),
        input(in),
        database(in),
        observed(in["observed"], database.name),
        looks(in),
        scene{database, observed, looks, now_ms, now_ms - in["stage_started_ms"].AsInt(now_ms)} {}

  StepOf(const StepOf&) = delete;
  StepOf& operator=(const StepOf&) = delete;

  Json Answer(const Judgement& judgement) const { return looks.Asking(Result(judgement)); }

  // vtgate is one endpoint for reads and writes: replicas are reached through it, as app@replica.
  Json Endpoints() const {
    std::string service;
    if (observed.cluster != nullptr)
      service = observed.cluster->At("status/gatewayServiceName").AsString();
    if (service.empty()) service = JoinedName({database.name, "vtgate"}, kServiceNameMax, true);
    return Json::Arr({Json::Obj(
        {{"name", "primary"}, {"role", "READ_WRITE"}, {"service", service}, {"port", 3306}})});
  }

  Json NamespaceCreation() const {
    Json apply = NetworkPolicies(database, settings);
    apply.Push(Defaults(database));
    if (database.HasBackup()) PushAll(apply, BackupRights(database));
    return Result({"ready", "NamespacePrepared", "the network policies are in place", 100, {}})
        .Set("apply", std::move(apply));
  }

  Json CrdDeployment() const {
    // The first thing that a new shard does is to write a backup.
    if (database.HasBackup()) {
      if (auto wait = WaitForSecret(input, "backup_credentials",
                                    database.backup["credentialsSecret"].AsString(),
                                    {database.backup["credentialsKey"].AsString()}))
        return *wait;
    }
    Json apply = Secrets(database);
    apply.Push(VitessCluster(database, settings));
    PushAll(apply, DisruptionBudgets(database));
    Json out = observed.cluster != nullptr
                   ? Result({"ready", "ClusterCreated", "the VitessCluster exists", 100, {}})
                   : Result({"progressing", "ClusterMissing", "the VitessCluster is being created",
                             0, scene.On("VitessCluster", database.name, "NotObserved")});
    return out.Set("apply", std::move(apply));
  }

  Json WaitingForReady() const {
    Json out = Answer(JudgeCluster(scene));
    if (observed.cluster == nullptr)
      out.Set("apply", Json::Arr({VitessCluster(database, settings)}));
    return out;
  }

  Json CredentialGen() const {
    const std::string secret = CredentialsName(database);
    if (auto wait =
            WaitForSecret(input, "credentials", secret, {"username", "password", "database"}))
      return *wait;
    return Result({"ready", "CredentialsReady", "the credentials are in vtgate's hands", 100, {}})
        .Set("outputs",
             Json::Obj({{"endpoints", Endpoints()},
                        {"credentials",
                         Json::Obj({{"secret", secret},
                                    {"fields", Json::Obj({{"username", "username"},
                                                          {"password", "password"},
                                                          {"database", "database"}})}})}}));
  }

  Json BackupConfig() const {
    if (!database.HasBackup()) return Skip("BackupNotRequested", "no backup was asked for");
    if (!Known(input, "planetscale.com/v2/VitessBackupSchedule")) {
      return Result({"blocked",
                     "VitessBackupScheduleCrdMissing",
                     "planetscale.com/v2/VitessBackupSchedule is not known to the cluster: install "
                     "the Vitess operator 2.17",
                     -1,
                     {}});
    }
    return Answer(JudgeBackups(scene)).Set("apply", BackupSchedules(database, settings));
  }

  Json MetricsSetup() const {
    if (Json skip = SkipMetrics(input); !skip.IsNull()) return skip;
    return Result({"ready", "PodMonitorApplied", "the PodMonitor is in place", 100, {}})
        .Set("apply", Json::Arr({PodMonitor(database)}));
  }

  Json Observe() const {
    return Answer(database.HasBackup() ? JudgeBackups(scene) : JudgeCluster(scene))
        .Set("outputs", Json::Obj({{"endpoints", Endpoints()}}));
  }

  Json ResourceDeletion() const {
    Json deletions = Json::Arr();
    Json out = Answer(Deletion(scene, input["inventory"], deletions));
    if (!deletions.items().empty()) out.Set("delete", std::move(deletions));
    return out;
  }
};

}  // namespace

Json Step(const Settings& settings, const Json& input, int64_t now_ms) {
  const std::string& verb = input["verb"].AsString();
  const std::string& stage = input["stage"].AsString();
  const StepOf step(settings, input, now_ms);
  if (stage == "RESOURCE_DELETION") return step.ResourceDeletion();
  return RunStage(step, verb, stage);
}

}  // namespace vitess
