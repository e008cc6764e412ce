#include "stages.h"

#include <utility>

#include "access.h"
#include "companions.h"
#include "replica_set.h"

namespace mongodb {

namespace {

constexpr int64_t kCertificateLookMs = 3000;

}  // namespace

// The address of any member; a driver finds the others by the set's name, which is the instance's.
// The object shows whether TLS is required: the settings apply to new objects only.
Json Stages::Endpoints() const {
  Json out = Endpoint("primary", "READ_WRITE", ServiceName(instance), kMongodPort);
  if (observed.resource != nullptr && observed.resource->At("spec/security/tls/enabled").AsBool())
    out.Set("tls", true);
  return Json::Arr({std::move(out)});
}

Json Stages::NamespaceCreation() const {
  return Applying(
      Ready("AccessApplied", "the network policy and the rights of the pods are in place"),
      Json::Arr({NetworkPolicy(instance)}).Append(PodAccess(instance)));
}

// The objects that must exist before the operator looks at the replica set for the first time.
Json Stages::Prerequisites() const {
  Json out = Json::Arr({PasswordSecret(instance)});
  if (instance.pod_monitor) out.Push(MetricsSecret(instance));
  if (instance.instances > 1) out.Push(DisruptionBudget(instance));
  if (settings.Tls()) {
    out.Push(TlsSecret(instance));
    out.Push(Certificate(instance, settings));
  }
  return out;
}

// The answer until the certificate exists; nullopt once it does.
std::optional<Json> Stages::WaitForCertificate() const {
  const std::string name = TlsName(instance);
  auto wait = WaitForSecret(input, "tls_secret", name, {"tls.crt", "tls.key", "ca.crt"});
  if (!wait) return std::nullopt;
  if (!input["needs"].Has("certificate")) {
    Json need = wait->At("need");
    need.Set("certificate", ObjectName(kCertificateApi, "Certificate", name));
    wait->Set("need", std::move(need));
  } else if (const Json& ready = Condition(input["needs"]["certificate"], "Ready");
             ready.IsObject() && !IsTrue(ready)) {
    *wait = Result(
        Progress("WaitingForCertificate", "cert-manager says: " + ready["message"].AsString(), -1,
                 WaitingFor("Certificate", instance.ns, name, ready["reason"].AsString())));
  }
  wait->Set("retry_after_ms", kCertificateLookMs);
  return wait;
}

Json Stages::CrdDeployment() const {
  Json apply = Prerequisites();
  if (settings.Tls()) {
    if (auto blocked =
            BlockedWithout(input, kCertificateKind,
                           "cert-manager, or take tls_issuer out of the settings of this engine"))
      return *blocked;
    if (auto wait = WaitForCertificate()) return wait->Set("apply", std::move(apply));
  }
  apply.Push(ReplicaSet(instance, settings, GenerationOf(input)));
  return Applying(kReplicaSet.Created(instance, observed.resource), std::move(apply));
}

Json Stages::WaitingForReady() const {
  // The host watches these kinds and puts back a missing one.
  Json apply = PodAccess(instance);
  if (observed.resource == nullptr) apply.Push(ReplicaSet(instance, settings, GenerationOf(input)));
  return Applying(JudgeReplicaSet(instance, observed, waited_ms), std::move(apply));
}

// The operator writes the Secret after the set has run for the first time, and does not report it
// if it cannot.
Json Stages::CredentialGen() const {
  const std::string secret = ConnectionSecretName(instance);
  if (auto wait = WaitForSecret(
          input, "connection_secret", secret,
          {"username", "password", "connectionString.standard", "connectionString.standardSrv"}))
    return *wait;
  return CredentialsReady("the operator wrote the credentials", Endpoints(), secret,
                          Json::Obj({{"username", "username"},
                                     {"password", "password"},
                                     {"uri", "connectionString.standard"},
                                     {"srv_uri", "connectionString.standardSrv"}}));
}

Json Stages::MetricsSetup() const {
  return ApplyMonitor(input, PodMonitor(instance, settings));
}

Json Stages::ResourceDeletion() const {
  Teardown down(input);
  down.Delete({"PodMonitor"}, "DeletingMonitor", "the PodMonitor is being deleted", 0);
  if (observed.resource == nullptr || !IsGoing(*observed.resource)) {
    down.Delete({kReplicaSet.kind}, "DeletingReplicaSet", "the MongoDBCommunity is being deleted",
                20);
  }
  down.Await(observed.resource, 20);
  down.Await(observed.stateful_sets, 40);
  down.Await(observed.pods, 40);
  down.DeleteObserved(observed.volumes, 60);
  // The Certificate before its Secret, which cert-manager would fill again.
  down.DeleteRest({"PodDisruptionBudget", "Certificate", "NetworkPolicy", "Secret", "RoleBinding",
                   "Role", "ServiceAccount"});
  return down.Answer();
}

Json Stages::Observe() const {
  return Result(JudgeReplicaSet(instance, observed, waited_ms))
      .Set("outputs", Json::Obj({{"endpoints", Endpoints()}}));
}

}  // namespace mongodb
