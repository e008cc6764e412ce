#include "stages.h"

#include "delete.h"
#include "judge.h"
#include "objects.h"
#include "spec.h"

namespace cnpg {

namespace {

Json Endpoint(const char* name, const char* role, const std::string& service) {
  return Json::Obj({{"name", name}, {"role", role}, {"service", service}, {"port", 5432}});
}

Json Endpoints(const Instance& instance) {
  Json out = Json::Arr({Endpoint("primary", "READ_WRITE", instance.name + "-rw")});
  if (instance.instances > 1) out.Push(Endpoint("replicas", "READ_ONLY", instance.name + "-ro"));
  return out;
}

// A step of a create, with everything that its stages look at.
struct Creation {
  const Settings& settings;
  const Json& input;
  Instance instance;
  Observed observed;
  int64_t waited_ms;

  Creation(const Settings& with, const Json& in, int64_t now_ms)
      : settings(with),
        input(in),
        instance(in),
        observed(in["observed"], instance.name),
        waited_ms(now_ms - in["stage_started_ms"].AsInt(now_ms)) {}

  // Once there is an ObjectStore the Cluster keeps its archiver, whichever stage is repeated.
  bool Archiving() const { return instance.HasBackup() && InInventory(input, "ObjectStore"); }

  Json NamespaceCreation() const {
    Json out = Result({"ready", "NetworkPolicyApplied", "the network policy is in place", 100, {}});
    out.Set("apply", Json::Arr({NetworkPolicy(instance, settings.operator_namespace)}));
    return out;
  }

  Json CrdDeployment() const {
    Json out = observed.cluster != nullptr
                   ? Result({"ready", "ClusterCreated", "the Cluster exists", 100, {}})
                   : Result({"progressing", "ClusterMissing", "the Cluster is being created", 0,
                             WaitingFor("Cluster", instance.ns, instance.name, "NotObserved")});
    out.Set("apply", Json::Arr({Cluster(instance, settings, Archiving())}));
    return out;
  }

  Json WaitingForReady() const {
    Json out = Result(JudgeCluster(instance, observed, false, waited_ms));
    if (observed.cluster == nullptr)
      out.Set("apply", Json::Arr({Cluster(instance, settings, Archiving())}));
    return out;
  }

  Json CredentialGen() const {
    const std::string secret = instance.name + "-app";
    if (auto wait = WaitForSecret(input, "app_secret", secret, {"username", "password", "dbname"}))
      return *wait;
    Json out = Result({"ready", "CredentialsReady", "the operator made the credentials", 100, {}});
    out.Set(
        "outputs",
        Json::Obj({{"endpoints", Endpoints(instance)},
                   {"credentials", Json::Obj({{"secret", secret},
                                              {"fields", Json::Obj({{"username", "username"},
                                                                    {"password", "password"},
                                                                    {"database", "dbname"}})}})}}));
    return out;
  }

  Json BackupConfig() const {
    if (!instance.HasBackup()) return Skip("BackupNotRequested", "no backup was asked for");
    for (const char* kind :
         {"barmancloud.cnpg.io/v1/ObjectStore", "postgresql.cnpg.io/v1/ScheduledBackup"}) {
      if (Known(input, kind)) continue;
      const std::string name = std::string(kind).substr(std::string(kind).rfind('/') + 1);
      return Result({"blocked",
                     name + "CrdMissing",
                     std::string(kind) + " is not known to the cluster: install " +
                         (name == "ObjectStore" ? "the Barman Cloud plugin" : "CloudNativePG"),
                     -1,
                     {}});
    }
    if (auto wait = WaitForSecret(input, "backup_credentials",
                                  instance.backup["credentialsSecret"].AsString(),
                                  {instance.backup["accessKeyIdKey"].AsString(),
                                   instance.backup["secretAccessKeyKey"].AsString()})) {
      return *wait;
    }
    Json out = Result(JudgeArchiving(instance, observed, waited_ms));
    out.Set("apply", Json::Arr({ObjectStore(instance), Cluster(instance, settings, true),
                                ScheduledBackup(instance)}));
    return out;
  }

  Json MetricsSetup() const {
    if (Json skip = SkipMetrics(input); !skip.IsNull()) return skip;
    Json out = Result({"ready", "PodMonitorApplied", "the PodMonitor is in place", 100, {}});
    out.Set("apply", Json::Arr({PodMonitor(instance)}));
    return out;
  }

  // A finished instance archives when backups were asked for and set up.
  Json Observe() const {
    Json out = Result(JudgeCluster(instance, observed, instance.HasBackup(), waited_ms));
    out.Set("outputs", Json::Obj({{"endpoints", Endpoints(instance)}}));
    return out;
  }
};

}  // namespace

Json Step(const Settings& settings, const Json& input, int64_t now_ms) {
  const std::string& verb = input["verb"].AsString();
  const std::string& stage = input["stage"].AsString();
  if (stage == "RESOURCE_DELETION") {
    const Instance instance(input);
    const Observed observed(input["observed"], instance.name);
    Json deletions = Json::Arr();
    Json out = Result(Deletion(instance, observed, input["inventory"], deletions));
    if (!deletions.items().empty()) out.Set("delete", std::move(deletions));
    return out;
  }
  const Creation step(settings, input, now_ms);
  return RunStage(step, verb, stage);
}

}  // namespace cnpg
