#include <algorithm>
#include <utility>

#include "base/crypto.h"
#include "devcluster/builtin_pod_defaults.h"
#include "devcluster/builtin_rules.h"

namespace slipway::sim {

namespace {

void DefaultSecret(Json& object) {
  if (const Json* plain = object.Find("stringData"); plain != nullptr) {
    Json data = std::as_const(object)["data"];
    for (const auto& [key, value] : plain->members()) data.Set(key, Base64Encode(value.AsString()));
    object.Set("data", std::move(data));
    object.Erase("stringData");
  }
  Default(object, "type", "Opaque");
}

void DefaultTemplate(Json& spec) {
  if (std::as_const(spec).At("/template/spec").is_object())
    DefaultPodSpec(spec["template"]["spec"]);
}

void DefaultPod(Json& object) {
  Json& spec = object["spec"];
  DefaultPodSpec(spec);
  Default(spec, "enableServiceLinks", true);
  if (const std::string ip = std::as_const(object)["status"]["podIP"].AsString(); !ip.empty())
    Default(object["status"], "podIPs", Json::Arr({Json::Obj({{"ip", ip}})}));
  Each(spec, "containers", [](Json& container) {
    const Json limits = std::as_const(container)["resources"]["limits"];
    for (const auto& [name, amount] : limits.members())
      Default(container["resources"]["requests"], name, amount);
  });
}

void DefaultService(Json& object) {
  Json& spec = object["spec"];
  Default(spec, "type", "ClusterIP");
  const std::string type = std::as_const(spec)["type"].AsString();
  if (type != "ExternalName") Default(spec, "internalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer" || type == "NodePort")
    Default(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") Default(spec, "allocateLoadBalancerNodePorts", true);
  Default(spec, "sessionAffinity", "None");
  Each(spec, "ports", [](Json& port) {
    Default(port, "protocol", "TCP");
    if (const Json& target = std::as_const(port)["targetPort"];
        target.is_null() || target == Json(0) || target == Json(""))
      port.Set("targetPort", std::as_const(port)["port"]);
  });
}

void DefaultRollout(Json& spec, const char* strategy, Json rolling) {
  Json& how = spec[strategy];
  Default(how, "type", "RollingUpdate");
  if (std::as_const(how)["type"].AsString() != "RollingUpdate") return;
  Json& given = how["rollingUpdate"];
  for (auto& [key, value] : rolling.members()) Default(given, key, value);
}

void DefaultDeployment(Json& object) {
  Json& spec = object["spec"];
  Default(spec, "replicas", 1);
  Default(spec, "revisionHistoryLimit", 10);
  Default(spec, "progressDeadlineSeconds", 600);
  DefaultRollout(spec, "strategy", Json::Obj({{"maxUnavailable", "25%"}, {"maxSurge", "25%"}}));
  DefaultTemplate(spec);
}

void DefaultStatefulSet(Json& object) {
  Json& spec = object["spec"];
  Default(spec, "replicas", 1);
  Default(spec, "revisionHistoryLimit", 10);
  Default(spec, "podManagementPolicy", "OrderedReady");
  DefaultRollout(spec, "updateStrategy", Json::Obj({{"partition", 0}}));
  Json& retention = spec["persistentVolumeClaimRetentionPolicy"];
  Default(retention, "whenDeleted", "Retain");
  Default(retention, "whenScaled", "Retain");
  Each(spec, "volumeClaimTemplates", [](Json& claim) {
    Default(claim, "apiVersion", "v1");
    Default(claim, "kind", "PersistentVolumeClaim");
    Default(claim["spec"], "volumeMode", "Filesystem");
    Default(claim["status"], "phase", "Pending");
  });
  DefaultTemplate(spec);
}

void DefaultDaemonSet(Json& object) {
  Json& spec = object["spec"];
  Default(spec, "revisionHistoryLimit", 10);
  DefaultRollout(spec, "updateStrategy", Json::Obj({{"maxUnavailable", 1}, {"maxSurge", 0}}));
  DefaultTemplate(spec);
}

void DefaultReplicas(Json& object) {
  Default(object["spec"], "replicas", 1);
  DefaultTemplate(object["spec"]);
}

void DefaultJobSpec(Json& spec) {
  if (!spec.Has("completions") && !spec.Has("parallelism"))
    spec.Set("completions", 1).Set("parallelism", 1);
  Default(spec, "parallelism", 1);
  Default(spec, "backoffLimit", 6);
  Default(spec, "completionMode", "NonIndexed");
  Default(spec, "suspend", false);
  Default(spec, "manualSelector", false);
  Default(spec, "podReplacementPolicy",
          spec.Has("podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
  DefaultTemplate(spec);
}

void DefaultJob(Json& object) {
  DefaultJobSpec(object["spec"]);
}

// Only the pods' part of the template gets defaults here: the job's part gets them when there is a
// job.
void DefaultCronJob(Json& object) {
  Json& spec = object["spec"];
  Default(spec, "concurrencyPolicy", "Allow");
  Default(spec, "suspend", false);
  Default(spec, "successfulJobsHistoryLimit", 3);
  Default(spec, "failedJobsHistoryLimit", 1);
  DefaultTemplate(spec["jobTemplate"]["spec"]);
}

void DefaultNetworkPolicy(Json& object) {
  Json& spec = object["spec"];
  for (const char* direction : {"ingress", "egress"}) Each(spec, direction, DefaultProtocols);
  if (spec.Has("policyTypes")) return;
  spec.Set("policyTypes", Json::Arr({"Ingress"}));
  if (spec.Has("egress")) spec["policyTypes"].Push("Egress");
}

void DefaultBinding(Json& object) {
  if (std::as_const(object)["roleRef"]["apiGroup"].AsString().empty())
    object["roleRef"].Set("apiGroup", "rbac.authorization.k8s.io");
  Each(object, "subjects", [](Json& subject) {
    if (std::as_const(subject)["kind"].AsString() != "ServiceAccount")
      Default(subject, "apiGroup", "rbac.authorization.k8s.io");
  });
}

void DefaultClaim(Json& object) {
  Default(object["spec"], "volumeMode", "Filesystem");
  Default(object["status"], "phase", "Pending");
}

void DefaultVolumeObject(Json& object) {
  Default(object["spec"], "volumeMode", "Filesystem");
  Default(object["spec"], "persistentVolumeReclaimPolicy", "Retain");
  Default(object["status"], "phase", "Pending");
}

void DefaultClass(Json& object) {
  Default(object, "reclaimPolicy", "Delete");
  Default(object, "volumeBindingMode", "Immediate");
}

void DefaultNamespace(Json& object) {
  object["metadata"]["labels"].Set("kubernetes.io/metadata.name",
                                   std::as_const(object)["metadata"]["name"]);
}

void DefaultEndpoints(Json& object) {
  Each(object, "subsets", DefaultProtocols);
}

void DefaultSlice(Json& object) {
  DefaultProtocols(object);
  Each(object, "ports", [](Json& port) { Default(port, "name", ""); });
}

void DefaultPriority(Json& object) {
  Default(object, "preemptionPolicy", "PreemptLowerPriority");
}

struct Rule {
  const char* kind;
  void (*apply)(Json& object);
};

constexpr Rule kDefaults[] = {{"Secret", DefaultSecret},
                              {"Pod", DefaultPod},
                              {"Service", DefaultService},
                              {"Deployment", DefaultDeployment},
                              {"StatefulSet", DefaultStatefulSet},
                              {"DaemonSet", DefaultDaemonSet},
                              {"ReplicaSet", DefaultReplicas},
                              {"ReplicationController", DefaultReplicas},
                              {"Job", DefaultJob},
                              {"CronJob", DefaultCronJob},
                              {"NetworkPolicy", DefaultNetworkPolicy},
                              {"RoleBinding", DefaultBinding},
                              {"ClusterRoleBinding", DefaultBinding},
                              {"PersistentVolumeClaim", DefaultClaim},
                              {"PersistentVolume", DefaultVolumeObject},
                              {"StorageClass", DefaultClass},
                              {"Namespace", DefaultNamespace},
                              {"Endpoints", DefaultEndpoints},
                              {"EndpointSlice", DefaultSlice},
                              {"PriorityClass", DefaultPriority}};

std::string QualityOfService(const Json& spec) {
  bool any = false, all = true;
  for (const Json& container : spec["containers"].items()) {
    const Json &limits = container["resources"]["limits"],
               &requests = container["resources"]["requests"];
    any = any || !limits.empty() || !requests.empty();
    for (const char* name : {"cpu", "memory"})
      all = all && limits.Has(name) && limits[name] == requests[name];
  }
  return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

// Adds what the admission plugins add to a pod.
void AdmitPod(Json& object, const std::string& random) {
  Json& spec = object["spec"];
  Default(spec, "serviceAccountName", "default");
  spec.Set("serviceAccount", std::as_const(spec)["serviceAccountName"]);
  Default(spec, "priority", 0);
  Default(spec, "preemptionPolicy", "PreemptLowerPriority");
  for (const char* taint : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    const auto& given = std::as_const(spec)["tolerations"].items();
    if (std::any_of(given.begin(), given.end(), [&](const Json& one) {
          return one["key"].AsString().empty() || one["key"].AsString() == taint;
        }))
      continue;
    spec["tolerations"].items();
    spec["tolerations"].Push(Json::Obj({{"key", taint},
                                        {"operator", "Exists"},
                                        {"effect", "NoExecute"},
                                        {"tolerationSeconds", 300}}));
  }
  if (!std::as_const(spec)["automountServiceAccountToken"].AsBool(true)) return;
  static constexpr char kPath[] = "/var/run/secrets/kubernetes.io/serviceaccount";
  const std::string volume = "kube-api-access-" + random;
  bool mounted = false;
  for (const char* list : {"initContainers", "containers"})
    Each(spec, list, [&](Json& container) {
      for (const Json& mount : std::as_const(container)["volumeMounts"].items())
        if (mount["mountPath"].AsString() == kPath) return;
      container["volumeMounts"].items();
      container["volumeMounts"].Push(
          Json::Obj({{"name", volume}, {"readOnly", true}, {"mountPath", kPath}}));
      mounted = true;
    });
  if (!mounted) return;
  const Json token = Json::Obj(
      {{"serviceAccountToken", Json::Obj({{"expirationSeconds", 3607}, {"path", "token"}})}});
  const Json certificate = Json::Obj(
      {{"configMap",
        Json::Obj({{"name", "kube-root-ca.crt"},
                   {"items", Json::Arr({Json::Obj({{"key", "ca.crt"}, {"path", "ca.crt"}})})}})}});
  const Json field = Json::Obj({{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}});
  const Json ns = Json::Obj(
      {{"downwardAPI",
        Json::Obj(
            {{"items", Json::Arr({Json::Obj({{"path", "namespace"}, {"fieldRef", field}})})}})}});
  spec["volumes"].items();
  spec["volumes"].Push(Json::Obj(
      {{"name", volume},
       {"projected",
        Json::Obj({{"sources", Json::Arr({token, certificate, ns})}, {"defaultMode", 420}})}}));
}

// A job finds its pods by a selector, which its controller sets. This cluster does not have that
// controller.
void PrepareJob(Json& object) {
  const Json uid = std::as_const(object)["metadata"]["uid"];
  const Json name = std::as_const(object)["metadata"]["name"];
  Json& labels = object["spec"]["template"]["metadata"]["labels"];
  for (const char* key : {"batch.kubernetes.io/controller-uid", "controller-uid"})
    Default(labels, key, uid);
  for (const char* key : {"batch.kubernetes.io/job-name", "job-name"}) Default(labels, key, name);
  if (std::as_const(object)["metadata"]["labels"].empty()) object["metadata"].Set("labels", labels);
}

void PrepareService(Json& object, uint64_t ordinal) {
  Json& spec = object["spec"];
  const std::string type = std::as_const(spec)["type"].AsString();
  if (type != "ExternalName") {
    if (std::as_const(spec)["clusterIP"].AsString().empty())
      spec.Set("clusterIP", "10.96." + std::to_string(ordinal / 254 % 256) + "." +
                                std::to_string(ordinal % 254 + 1));
    Default(spec, "clusterIPs", Json::Arr({std::as_const(spec)["clusterIP"]}));
    Default(spec, "ipFamilies", Json::Arr({"IPv4"}));
    Default(spec, "ipFamilyPolicy", "SingleStack");
  }
  uint64_t next = ordinal;
  if (type == "LoadBalancer" || type == "NodePort")
    Each(spec, "ports", [&](Json& port) {
      Default(port, "nodePort", static_cast<int64_t>(30000 + next++ % 2768));
    });
}

}  // namespace

void DefaultBuiltin(const Kind& kind, Json& object) {
  for (const Rule& rule : kDefaults)
    if (!kind.custom && kind.kind == rule.kind) rule.apply(object);
}

void PrepareBuiltin(const Kind& kind, Json& object, uint64_t ordinal, const std::string& random) {
  if (kind.custom) return;
  const std::string& name = kind.kind;
  if (name == "Service") PrepareService(object, ordinal);
  if (name == "Job") PrepareJob(object);
  if (name == "Namespace") {
    object["spec"].Set("finalizers", Json::Arr({"kubernetes"}));
    object.Set("status", Json::Obj({{"phase", "Active"}}));
  }
  if (name == "Pod") {
    AdmitPod(object, random);
    object.Set("status",
               Json::Obj({{"phase", "Pending"},
                          {"qosClass", QualityOfService(std::as_const(object)["spec"])}}));
  }
}

void KeepAllocated(const Kind& kind, const Json& before, Json& object) {
  if (kind.custom) return;
  if (kind.kind == "Namespace") {
    object["spec"].Set("finalizers", before["spec"]["finalizers"]);
    if (before["spec"]["finalizers"].empty()) object["spec"].Erase("finalizers");
  }
  if (kind.kind != "Service") return;
  Json& spec = object["spec"];
  const Json& old = before["spec"];
  if (std::as_const(spec)["type"].AsString() == "ExternalName") return;
  for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"})
    if (old.Has(field)) Default(spec, field, old[field]);
}

}  // namespace slipway::sim
