#include "objects.h"

namespace cnpg {

namespace {

Json Meta(const std::string& name) {
  return Json::Obj({{"name", name}});
}

Json Same(const Json& amounts) {
  return Json::Obj({{"requests", amounts}, {"limits", amounts}});
}

Json Port(int port) {
  return Json::Obj({{"port", port}, {"protocol", "TCP"}});
}

Json ClusterLabel(const Instance& instance) {
  return Json::Obj({{"cnpg.io/cluster", instance.name}});
}

Json InstancePods(const Instance& instance) {
  return Json::Obj({{"matchLabels", Json::Obj({{"cnpg.io/cluster", instance.name},
                                               {"cnpg.io/podRole", "instance"}})}});
}

Json SecretKey(const Instance& instance, const char* key) {
  return Json::Obj({{"name", instance.backup["credentialsSecret"]}, {"key", instance.backup[key]}});
}

}  // namespace

std::string ScheduledBackupName(const Instance& instance) {
  return instance.name + std::string(kBackupSuffix);
}

std::string ObjectStoreName(const Instance& instance) {
  return instance.name + "-store";
}

std::string PodMonitorName(const Instance& instance) {
  // Not the cluster's own name: the operator deletes a PodMonitor of that name.
  return instance.name + "-metrics";
}

Json Cluster(const Instance& instance, const Settings& settings, bool archiving) {
  const bool replicated = instance.instances > 1;
  Json postgresql = Json::Obj({{"parameters", instance.parameters}});
  if (instance.tier == "ENTERPRISE" && instance.instances >= 3) {
    postgresql.Set("synchronous", Json::Obj({{"method", "any"},
                                             {"number", instance.instances >= 5 ? 2 : 1},
                                             {"dataDurability", "required"},
                                             {"failoverQuorum", true}}));
  }
  Json storage =
      Json::Obj({{"size", FromBytes(instance.sizing.storage_bytes)}, {"resizeInUseVolumes", true}});
  if (!settings.storage_class.empty()) storage.Set("storageClass", settings.storage_class);
  Json spec = Json::Obj(
      {{"instances", instance.instances},
       {"inheritedMetadata",
        Json::Obj({{"labels", Json::Obj({{"slipway.dev/instance", instance.id}})}})},
       {"enableSuperuserAccess", false},
       // With one instance the budget would block every drain of its node.
       {"enablePDB", replicated},
       {"primaryUpdateStrategy", "unsupervised"},
       {"primaryUpdateMethod", replicated ? "switchover" : "restart"},
       {"storage", std::move(storage)},
       {"resources", Same(Json::Obj({{"cpu", FromMillis(instance.sizing.cpu_millis)},
                                     {"memory", FromBytes(instance.sizing.memory_bytes)}}))},
       {"affinity", Json::Obj({{"enablePodAntiAffinity", true},
                               {"podAntiAffinityType", "preferred"},
                               {"topologyKey", "kubernetes.io/hostname"}})},
       {"postgresql", std::move(postgresql)},
       {"bootstrap", Json::Obj({{"initdb", Json::Obj({{"database", "app"},
                                                      {"owner", "app"},
                                                      {"dataChecksums", true}})}})}});
  if (instance.tier == "ENTERPRISE" && replicated) {
    spec.Set("topologySpreadConstraints",
             Json::Arr({Json::Obj({{"maxSkew", 1},
                                   {"topologyKey", "topology.kubernetes.io/zone"},
                                   {"whenUnsatisfiable", "ScheduleAnyway"},
                                   {"labelSelector", InstancePods(instance)}})}));
  }
  if (!settings.image.empty()) spec.Set("imageName", settings.image);
  if (archiving) {
    spec.Set("plugins",
             Json::Arr({Json::Obj(
                 {{"name", kBarmanPlugin},
                  {"enabled", true},
                  {"isWALArchiver", true},
                  {"parameters", Json::Obj({{"barmanObjectName", ObjectStoreName(instance)},
                                            {"serverName", instance.LifeName()}})}})}));
  }
  return Json::Obj({{"apiVersion", kClusterApi},
                    {"kind", "Cluster"},
                    {"metadata", Meta(instance.name)},
                    {"spec", std::move(spec)}});
}

Json NetworkPolicy(const Instance& instance, const std::string& operator_namespace) {
  const Json anywhere = Json::Obj({{"namespaceSelector", Json::Obj()}});
  const Json peers =
      Json::Obj({{"podSelector", Json::Obj({{"matchLabels", ClusterLabel(instance)}})}});
  Json namespaces = Json::Obj();
  if (!operator_namespace.empty()) {
    namespaces.Set("matchLabels", Json::Obj({{"kubernetes.io/metadata.name", operator_namespace}}));
  }
  const Json the_operator = Json::Obj(
      {{"namespaceSelector", std::move(namespaces)},
       {"podSelector",
        Json::Obj({{"matchLabels", Json::Obj({{"app.kubernetes.io/name", "cloudnative-pg"}})}})}});
  return Json::Obj(
      {{"apiVersion", kNetworkPolicyApi},
       {"kind", "NetworkPolicy"},
       {"metadata", Meta(instance.name)},
       {"spec",
        Json::Obj({{"podSelector", Json::Obj({{"matchLabels", ClusterLabel(instance)}})},
                   {"policyTypes", Json::Arr({"Ingress"})},
                   {"ingress", Json::Arr({Json::Obj({{"ports", Json::Arr({Port(5432)})},
                                                     {"from", Json::Arr({anywhere})}}),
                                          Json::Obj({{"ports", Json::Arr({Port(5432), Port(8000)})},
                                                     {"from", Json::Arr({the_operator, peers})}}),
                                          Json::Obj({{"ports", Json::Arr({Port(9187)})},
                                                     {"from", Json::Arr({anywhere})}})})}})}});
}

Json ObjectStore(const Instance& instance) {
  const Json& backup = instance.backup;
  Json configuration = Json::Obj({{"destinationPath", backup["destinationPath"]}});
  if (backup.Has("endpointURL")) configuration.Set("endpointURL", backup["endpointURL"]);
  configuration
      .Set("s3Credentials",
           Json::Obj({{"accessKeyId", SecretKey(instance, "accessKeyIdKey")},
                      {"secretAccessKey", SecretKey(instance, "secretAccessKeyKey")}}))
      .Set("wal", Json::Obj({{"compression", "gzip"}, {"maxParallel", 4}}))
      .Set("data", Json::Obj({{"compression", "gzip"}, {"immediateCheckpoint", true}}));
  // Many S3-compatible stores refuse the newer checksums of the AWS libraries.
  const Json env = Json::Arr(
      {Json::Obj({{"name", "AWS_REQUEST_CHECKSUM_CALCULATION"}, {"value", "when_required"}}),
       Json::Obj({{"name", "AWS_RESPONSE_CHECKSUM_VALIDATION"}, {"value", "when_required"}})});
  return Json::Obj(
      {{"apiVersion", kObjectStoreApi},
       {"kind", "ObjectStore"},
       {"metadata", Meta(ObjectStoreName(instance))},
       {"spec",
        Json::Obj(
            {{"retentionPolicy", backup["retentionPolicy"]},
             {"configuration", std::move(configuration)},
             {"instanceSidecarConfiguration",
              Json::Obj({{"env", env},
                         {"resources",
                          Same(Json::Obj({{"cpu", FromMillis(kSidecarCpuMillis)},
                                          {"memory", FromBytes(kSidecarMemoryBytes)}}))}})}})}});
}

Json ScheduledBackup(const Instance& instance) {
  return Json::Obj(
      {{"apiVersion", kClusterApi},
       {"kind", "ScheduledBackup"},
       {"metadata", Meta(ScheduledBackupName(instance))},
       {"spec", Json::Obj({{"schedule", instance.backup["schedule"]},
                           {"immediate", false},
                           {"backupOwnerReference", "cluster"},
                           {"cluster", Json::Obj({{"name", instance.name}})},
                           {"target", "prefer-standby"},
                           {"method", "plugin"},
                           {"pluginConfiguration", Json::Obj({{"name", kBarmanPlugin}})}})}});
}

Json PodMonitor(const Instance& instance) {
  return Json::Obj(
      {{"apiVersion", kPodMonitorApi},
       {"kind", "PodMonitor"},
       {"metadata", Meta(PodMonitorName(instance))},
       {"spec",
        Json::Obj({{"selector", InstancePods(instance)},
                   {"podMetricsEndpoints",
                    Json::Arr({Json::Obj(
                        {{"port", "metrics"}, {"path", "/metrics"}, {"interval", "30s"}})})}})}});
}

Json Quota(const Instance& instance) {
  const int64_t pods = instance.instances + 1;
  const int64_t cpu =
      instance.sizing.cpu_millis + (instance.HasBackup() ? kSidecarCpuMillis : int64_t{0});
  const int64_t memory =
      instance.sizing.memory_bytes + (instance.HasBackup() ? kSidecarMemoryBytes : int64_t{0});
  return Json::Obj({{"requests.cpu", FromMillis(cpu * pods)},
                    {"requests.memory", FromBytes(memory * pods)},
                    {"requests.storage", FromBytes(instance.sizing.storage_bytes * pods)},
                    {"pods", std::to_string(pods)},
                    {"persistentvolumeclaims", std::to_string(pods)}});
}

}  // namespace cnpg
