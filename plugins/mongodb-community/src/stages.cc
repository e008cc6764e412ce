#include "stages.h"

#include "access.h"
#include "companions.h"
#include "delete.h"
#include "judge.h"
#include "replica_set.h"
#include "spec.h"

namespace mongodb {

namespace {

constexpr int64_t kCertificateLookMs = 3000;
constexpr char kCertificateKind[] = "cert-manager.io/v1/Certificate";

// The address of any member; with the set's name, which is the instance's, a driver finds the
// others. Whether it takes TLS only is the object's to say: the settings are for those to come.
Json Endpoints(const Instance& instance, const Observed& observed) {
  Json out = Json::Obj({{"name", "primary"},
                        {"role", "READ_WRITE"},
                        {"service", ServiceName(instance)},
                        {"port", kMongodPort}});
  if (observed.resource != nullptr && observed.resource->At("spec/security/tls/enabled").AsBool())
    out.Set("tls", true);
  return Json::Arr({std::move(out)});
}

void Append(Json& list, const Json& more) {
  for (const Json& item : more.items()) list.Push(item);
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
        observed(in["observed"], instance),
        waited_ms(now_ms - in["stage_started_ms"].AsInt(now_ms)) {}

  // The host puts back what is missing of it: it watches these kinds.
  Json Access() const {
    return Json::Arr({ServiceAccount(instance), Role(instance), RoleBinding(instance)});
  }

  Json NamespaceCreation() const {
    Json out = Result({"ready",
                       "AccessApplied",
                       "the network policy and the rights of the pods are in place",
                       100,
                       {}});
    Json apply = Json::Arr({NetworkPolicy(instance)});
    Append(apply, Access());
    out.Set("apply", std::move(apply));
    return out;
  }

  // What must be there before the operator looks at the replica set for the first time.
  Json Prerequisites() const {
    Json out = Json::Arr({PasswordSecret(instance)});
    if (instance.pod_monitor) out.Push(MetricsSecret(instance));
    if (instance.instances > 1) out.Push(DisruptionBudget(instance));
    if (settings.Tls()) {
      out.Push(TlsSecret(instance));
      out.Push(Certificate(instance, settings));
    }
    return out;
  }

  // The answer while there is no certificate; nothing when it is there.
  std::optional<Json> WaitForCertificate() const {
    auto wait =
        WaitForSecret(input, "tls_secret", TlsName(instance), {"tls.crt", "tls.key", "ca.crt"});
    if (!wait) return std::nullopt;
    if (!input["needs"].Has("certificate")) {
      Json need = wait->At("need");
      if (need.IsNull()) need = Json::Obj();
      need.Set("certificate", Json::Obj({{"apiVersion", kCertificateApi},
                                         {"kind", "Certificate"},
                                         {"name", TlsName(instance)}}));
      wait->Set("need", std::move(need));
    } else if (const Json& ready = Condition(input["needs"]["certificate"], "Ready");
               ready.IsObject() && !IsTrue(ready)) {
      *wait = Result(
          {"progressing", "WaitingForCertificate",
           "cert-manager says: " + ready["message"].AsString(), -1,
           WaitingFor("Certificate", instance.ns, TlsName(instance), ready["reason"].AsString())});
    }
    wait->Set("retry_after_ms", kCertificateLookMs);
    return wait;
  }

  Json CrdDeployment() const {
    if (settings.Tls() && !Known(input, kCertificateKind)) {
      return Result({"blocked",
                     "CertificateCrdMissing",
                     "the settings ask for TLS, but the cluster does not know Certificate: install "
                     "cert-manager",
                     -1,
                     {}});
    }
    Json apply = Prerequisites();
    if (settings.Tls()) {
      if (auto wait = WaitForCertificate()) return wait->Set("apply", std::move(apply));
    }
    Json out =
        observed.resource != nullptr
            ? Result({"ready", "ReplicaSetCreated", "the MongoDBCommunity exists", 100, {}})
            : Result({"progressing", "ReplicaSetMissing", "the MongoDBCommunity is being created",
                      0, WaitingFor(kReplicaSetKind, instance.ns, instance.name, "NotObserved")});
    apply.Push(ReplicaSet(instance, settings, GenerationOf(input)));
    out.Set("apply", std::move(apply));
    return out;
  }

  Json WaitingForReady() const {
    Json out = Result(JudgeReplicaSet(instance, observed, waited_ms));
    Json apply = Access();
    if (observed.resource == nullptr)
      apply.Push(ReplicaSet(instance, settings, GenerationOf(input)));
    out.Set("apply", std::move(apply));
    return out;
  }

  // The operator writes it after the set has run for the first time, and does not tell when it
  // could not.
  Json CredentialGen() const {
    const std::string secret = ConnectionSecretName(instance);
    if (auto wait = WaitForSecret(
            input, "connection_secret", secret,
            {"username", "password", "connectionString.standard", "connectionString.standardSrv"}))
      return *wait;
    Json out = Result({"ready", "CredentialsReady", "the operator wrote the credentials", 100, {}});
    const Json fields = Json::Obj({{"username", "username"},
                                   {"password", "password"},
                                   {"uri", "connectionString.standard"},
                                   {"srv_uri", "connectionString.standardSrv"}});
    out.Set("outputs",
            Json::Obj({{"endpoints", Endpoints(instance, observed)},
                       {"credentials", Json::Obj({{"secret", secret}, {"fields", fields}})}}));
    return out;
  }

  Json BackupConfig() const { return Skip(kNoBackups, kNoBackupsText); }

  Json MetricsSetup() const {
    if (Json skip = SkipMetrics(input); !skip.IsNull()) return skip;
    Json out = Result({"ready", "PodMonitorApplied", "the PodMonitor is in place", 100, {}});
    out.Set("apply", Json::Arr({PodMonitor(instance, settings)}));
    return out;
  }

  Json Observe() const {
    Json out = Result(JudgeReplicaSet(instance, observed, waited_ms));
    out.Set("outputs", Json::Obj({{"endpoints", Endpoints(instance, observed)}}));
    return out;
  }
};

}  // namespace

Json Step(const Settings& settings, const Json& input, int64_t now_ms) {
  const std::string& verb = input["verb"].AsString();
  const std::string& stage = input["stage"].AsString();
  if (stage == "RESOURCE_DELETION") {
    const Instance instance(input);
    Json deletions = Json::Arr();
    Json out =
        Result(Deletion(Observed(input["observed"], instance), input["inventory"], deletions));
    if (!deletions.items().empty()) out.Set("delete", std::move(deletions));
    return out;
  }
  const Creation step(settings, input, now_ms);
  return RunStage(step, verb, stage);
}

}  // namespace mongodb
