#include "replica_set.h"

#include "companions.h"
#include "sizes.h"

namespace mongodb {

namespace {

Json DatabaseRole(const char* role) {
  return Json::Obj({{"name", role}, {"db", kDatabase}});
}

Json User(const Instance& instance) {
  return Json::Obj(
      {{"name", kUser},
       {"db", kDatabase},
       {"passwordSecretRef", KeyRef(PasswordSecretName(instance), "password")},
       {"roles", Json::Arr({DatabaseRole("readWrite"), DatabaseRole("dbAdmin")})},
       // One name space for all instances of the namespace: it must begin with the instance's name.
       {"scramCredentialsSecretName", ConnectionSecretName(instance)},
       {"connectionStringSecretName", ConnectionSecretName(instance)}});
}

Json Security(const Instance& instance, const Settings& settings) {
  Json out = Json::Obj(
      {{"authentication",
        // Users that the application creates itself survive.
        Json::Obj({{"modes", Json::Arr({"SCRAM-SHA-256"})}, {"ignoreUnknownUsers", true}})}});
  if (settings.Tls()) {
    out.Set("tls", Json::Obj({{"enabled", true},
                              {"optional", false},
                              {"certificateKeySecretRef", NameRef(TlsName(instance))},
                              {"caCertificateSecretRef", NameRef(TlsName(instance))}}));
  }
  return out;
}

Json MongodConfig(const Instance& instance) {
  Json out = Json::Obj();
  for (size_t i = 0; i < instance.parameters.keys().size(); ++i) {
    if (const std::string& name = instance.parameters.keys()[i]; name != "version")
      out.Set(name, instance.parameters.items()[i]);
  }
  return out;
}

// "8.0" of "8.0.21". The spec always has it: without it an upgrade would raise it unasked.
std::string Compatibility(const std::string& version) {
  return version.substr(0, version.rfind('.'));
}

Json Container(const char* name, const Resources& requests, const Resources& limits,
               Generation generation) {
  Json out = Json::Obj({{"name", name}, {"resources", ContainerResources(requests, limits)}});
  // Its successor does this itself. A namespace of the level "restricted" takes no pod without it.
  if (generation == Generation::kCommunityOperator) {
    out.Set("securityContext",
            Json::Obj({{"capabilities", Json::Obj({{"drop", Json::Arr({"ALL"})}})}}));
  }
  return out;
}

Json Containers(const Instance& instance, const Settings& settings, Generation generation) {
  const Resources server{instance.sizing.cpu_millis, instance.sizing.memory_bytes};
  Json mongod = Container("mongod", server, server, generation);
  mongod.Set("image", settings.image + ":" + VersionOf(instance) + "-" + settings.image_type);
  Json agent = Container("mongodb-agent", AgentRequests(instance.sizing),
                         AgentLimits(instance.sizing), generation);
  if (!settings.agent_image.empty()) agent.Set("image", settings.agent_image);
  // The operator names no port: a PodMonitor needs one.
  if (instance.pod_monitor) {
    agent.Set(
        "ports",
        Json::Arr({Json::Obj({{"name", kMetricsPort}, {"containerPort", kMetricsPortNumber}})}));
  }
  return Json::Arr({std::move(mongod), std::move(agent)});
}

Json PodSpec(const Instance& instance, const Settings& settings, Generation generation) {
  Json out =
      Json::Obj({{"serviceAccountName", AccountName(instance)},
                 // mongod steps down and writes a checkpoint when it is given the time.
                 {"terminationGracePeriodSeconds", 600},
                 {"initContainers",
                  Json::Arr({Container("mongod-posthook", InitRequests(), InitLimits(), generation),
                             Container("mongodb-agent-readinessprobe", InitRequests(), InitLimits(),
                                       generation)})},
                 {"containers", Containers(instance, settings, generation)}});
  if (generation == Generation::kCommunityOperator) {
    out.Set("securityContext",
            Json::Obj({{"runAsUser", 2000},
                       {"runAsNonRoot", true},
                       {"fsGroup", 2000},
                       {"seccompProfile", Json::Obj({{"type", "RuntimeDefault"}})}}));
  }
  if (instance.instances == 1) return out;
  const Json selector = MatchLabels(PodLabels(instance));
  out.Set(
      "affinity",
      Json::Obj(
          {{"podAntiAffinity",
            Json::Obj({{"preferredDuringSchedulingIgnoredDuringExecution",
                        Json::Arr({Json::Obj({{"weight", 100},
                                              {"podAffinityTerm",
                                               Json::Obj({{"topologyKey", "kubernetes.io/hostname"},
                                                          {"labelSelector", selector}})}})})}})}}));
  // One only: the operator keeps several in a map and would write them in a new order every time.
  out.Set("topologySpreadConstraints",
          Json::Arr({Spread("topology.kubernetes.io/zone", selector)}));
  return out;
}

Json VolumeClaim(const Instance& instance, const Settings& settings, const char* name,
                 int64_t bytes) {
  return Json::Obj({{"metadata", NameRef(name).Set("labels", InstanceLabel(instance))},
                    {"spec", ClaimSpec(FromBytes(bytes), settings.storage_class)}});
}

// The operator merges it into its StatefulSet. The host finds StatefulSet, pods and claims by these
// labels; no other object of the operator's can be labelled.
Json StatefulSet(const Instance& instance, const Settings& settings, Generation generation) {
  return Json::Obj(
      {{"metadata", Json::Obj({{"labels", InstanceLabel(instance)}})},
       {"spec",
        Json::Obj(
            {{"template", Json::Obj({{"metadata", Json::Obj({{"labels", InstanceLabel(instance)}})},
                                     {"spec", PodSpec(instance, settings, generation)}})},
             {"volumeClaimTemplates", Json::Arr({VolumeClaim(instance, settings, "data-volume",
                                                             instance.sizing.storage_bytes),
                                                 VolumeClaim(instance, settings, "logs-volume",
                                                             LogsBytes(instance.sizing))})}})}});
}

Json Prometheus(const Instance& instance, const Settings& settings) {
  Json out = Json::Obj({{"username", "metrics"},
                        {"passwordSecretRef", KeyRef(MetricsName(instance), "password")},
                        {"port", kMetricsPortNumber},
                        {"metricsPath", "/metrics"}});
  if (settings.Tls()) out.Set("tlsSecretKeyRef", NameRef(TlsName(instance)));
  return out;
}

}  // namespace

Generation GenerationOf(const Json& input) {
  return Known(input, kOnlyOfControllers) ? Generation::kControllers
                                          : Generation::kCommunityOperator;
}

Json ReplicaSet(const Instance& instance, const Settings& settings, Generation generation) {
  const std::string version = VersionOf(instance);
  Json spec = Json::Obj({{"type", "ReplicaSet"},
                         {"members", instance.instances},
                         {"version", version},
                         {"featureCompatibilityVersion", Compatibility(version)},
                         {"security", Security(instance, settings)},
                         {"users", Json::Arr({User(instance)})},
                         {"additionalMongodConfig", MongodConfig(instance)},
                         // To the container's output: a file would fill the volume of the logs.
                         {"agent", Json::Obj({{"logLevel", "INFO"}, {"logFile", "/dev/stdout"}})},
                         {"statefulSet", StatefulSet(instance, settings, generation)}});
  if (instance.pod_monitor) spec.Set("prometheus", Prometheus(instance, settings));
  // A field that the old operator's schema does not have fails the whole request.
  if (!settings.cluster_domain.empty() && generation == Generation::kControllers)
    spec.Set("clusterDomain", settings.cluster_domain);
  return Object(kReplicaSetApi, kReplicaSet.kind, instance.name, std::move(spec));
}

}  // namespace mongodb
