#include "stages.h"

#include <algorithm>

#include <slipway/engine.hpp>

#include "delete.h"
#include "judge.h"
#include "objects.h"
#include "spec.h"

namespace cnpg {

namespace {

constexpr int64_t kPollMs = 15000;  // for what no watch reports

Json Result(const Judgement& judgement) {
  Json out = Json::Obj({{"schema", 1}, {"verdict", judgement.ToJson()}});
  if (judgement.state == "progressing") out.Set("retry_after_ms", kPollMs);
  return out;
}

bool Known(const Json& input, const std::string& kind) {
  // What the host does not speak of is taken to be there.
  return input["facts"]["kinds"][kind].AsBool(true);
}

bool InInventory(const Json& input, std::string_view kind) {
  const auto& all = input["inventory"].items();
  return std::any_of(all.begin(), all.end(),
                     [&](const Json& ref) { return ref["kind"].AsString() == kind; });
}

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

  // Asks for a Secret and, when it is not what it must be, says so in `out`.
  bool SecretHas(const char* need, const std::string& name, std::initializer_list<std::string> keys,
                 Json& out) const {
    if (!input["needs"].Has(need)) {
      out = Result({"progressing", "WaitingForSecret", "the Secret " + name + " is looked up", -1,
                    WaitingFor("Secret", instance.ns, name, "NotRead")});
      out.Set("need",
              Json::Obj(
                  {{need, Json::Obj({{"apiVersion", "v1"}, {"kind", "Secret"}, {"name", name}})}}));
      return false;
    }
    const Json& secret = input["needs"][need];
    if (secret.IsNull()) {
      out = Result({"progressing", "WaitingForSecret", "the Secret " + name + " does not exist", -1,
                    WaitingFor("Secret", instance.ns, name, "SecretNotFound")});
      return false;
    }
    const auto& present = secret["keys"].items();
    for (const std::string& key : keys) {
      if (std::find(present.begin(), present.end(), Json(key)) != present.end()) continue;
      out = Result({"progressing", "WaitingForSecret", "the Secret " + name + " has no key " + key,
                    -1, WaitingFor("Secret", instance.ns, name, "SecretKeyMissing")});
      return false;
    }
    return true;
  }

  Json CredentialGen() const {
    const std::string secret = instance.name + "-app";
    Json out;
    if (!SecretHas("app_secret", secret, {"username", "password", "dbname"}, out)) return out;
    out = Result({"ready", "CredentialsReady", "the operator made the credentials", 100, {}});
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
    if (!instance.HasBackup())
      return Result({"skipped", "BackupNotRequested", "no backup was asked for", -1, {}});
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
    Json out;
    if (!SecretHas("backup_credentials", instance.backup["credentialsSecret"].AsString(),
                   {instance.backup["accessKeyIdKey"].AsString(),
                    instance.backup["secretAccessKeyKey"].AsString()},
                   out)) {
      return out;
    }
    out = Result(JudgeArchiving(instance, observed, waited_ms));
    out.Set("apply", Json::Arr({ObjectStore(instance), Cluster(instance, settings, true),
                                ScheduledBackup(instance)}));
    return out;
  }

  Json MetricsSetup() const {
    if (!instance.pod_monitor)
      return Result({"skipped",
                     "TierExcludesMetrics",
                     "the tier " + instance.tier + " has no PodMonitor",
                     -1,
                     {}});
    if (!Known(input, "monitoring.coreos.com/v1/PodMonitor"))
      return Result({"skipped",
                     "PodMonitorCrdMissing",
                     "the cluster does not know PodMonitor: install the Prometheus operator",
                     -1,
                     {}});
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
  if (verb == "observe") return step.Observe();
  if (verb == "create") {
    if (stage == "NAMESPACE_CREATION") return step.NamespaceCreation();
    if (stage == "CRD_DEPLOYMENT") return step.CrdDeployment();
    if (stage == "WAITING_FOR_READY") return step.WaitingForReady();
    if (stage == "CREDENTIAL_GEN") return step.CredentialGen();
    if (stage == "BACKUP_CONFIG") return step.BackupConfig();
    if (stage == "METRICS_SETUP") return step.MetricsSetup();
  }
  throw slipway::Error(SLIPWAY_UNSUPPORTED, "UnknownStage",
                       "this engine has nothing to do in " + verb + " " + stage, "/stage");
}

}  // namespace cnpg
