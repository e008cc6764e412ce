#include "objects.h"

#include "recovery.h"

namespace cnpg {

namespace {

Json Same(const Json& amounts) {
  return Json::Obj({{"requests", amounts}, {"limits", amounts}});
}

Json ClusterPods(const Instance& instance) {
  return MatchLabels(Json::Obj({{"cnpg.io/cluster", instance.name}}));
}

Json InstancePods(const Instance& instance) {
  return MatchLabels(
      Json::Obj({{"cnpg.io/cluster", instance.name}, {"cnpg.io/podRole", "instance"}}));
}

// `archive` has the members of spec.backup that say where it is.
Json StoreConfiguration(const Json& archive) {
  const auto key = [&](const char* name) {
    return KeyRef(archive["credentialsSecret"], archive[name]);
  };
  Json configuration = Json::Obj({{"destinationPath", archive["destinationPath"]}});
  if (archive.Has("endpointURL")) configuration.Set("endpointURL", archive["endpointURL"]);
  if (archive.Has("caKey")) configuration.Set("endpointCA", key("caKey"));
  Json credentials = Json::Obj(
      {{"accessKeyId", key("accessKeyIdKey")}, {"secretAccessKey", key("secretAccessKeyKey")}});
  if (archive.Has("regionKey")) credentials.Set("region", key("regionKey"));
  return configuration.Set("s3Credentials", std::move(credentials))
      .Set("wal", Json::Obj({{"compression", "gzip"}, {"maxParallel", 4}}))
      .Set("data", Json::Obj({{"compression", "gzip"}, {"immediateCheckpoint", true}}));
}

// Under a quota of requests.cpu a container without requests is refused: the side-car of a restore
// has them, too.
Json Sidecar() {
  return Json::Obj(
      {{"env", S3ChecksumEnv()},
       {"resources",
        Json::Obj({{"requests", Amounts(kSidecarCpuMillis, kSidecarMemoryBytes)},
                   {"limits", Amounts(kSidecarCpuLimitMillis, kSidecarMemoryBytes)}})}});
}

Json PluginParameters(const std::string& store, const std::string& server) {
  return Json::Obj({{"barmanObjectName", store}, {"serverName", server}});
}

Json AppDatabase() {
  return Json::Obj({{"database", "app"}, {"owner", "app"}});
}

// `database` and `owner` repeat those of the source; the operator would make others beside them.
void SetBootstrap(Json& spec, const Instance& instance) {
  if (!instance.IsRestored()) {
    spec.Set("bootstrap", Json::Obj({{"initdb", AppDatabase().Set("dataChecksums", true)}}));
    return;
  }
  const Json& source = instance.source;
  Json recovery = AppDatabase();
  recovery.Set("source", kSourceName);
  if (Json target = RecoveryTarget(source); !target.IsNull())
    recovery.Set("recoveryTarget", std::move(target));
  spec.Set("bootstrap", Json::Obj({{"recovery", std::move(recovery)}}));
  spec.Set("externalClusters",
           Json::Arr({Json::Obj(
               {{"name", kSourceName},
                {"plugin",
                 Json::Obj({{"name", kBarmanPlugin},
                            {"parameters", PluginParameters(SourceStoreName(instance),
                                                            source["server"].AsString())}})}})}));
}

}  // namespace

std::vector<std::string> StoreKeys(const Json& archive) {
  std::vector<std::string> out;
  for (const char* member : {"accessKeyIdKey", "secretAccessKeyKey", "regionKey", "caKey"}) {
    if (archive.Has(member)) out.push_back(archive[member].AsString());
  }
  return out;
}

std::string ScheduledBackupName(const Instance& instance) {
  return instance.name + std::string(kBackupSuffix);
}

std::string ObjectStoreName(const Instance& instance) {
  return instance.name + "-store";
}

std::string SourceStoreName(const Instance& instance) {
  return instance.name + "-source";
}

std::string PodMonitorName(const Instance& instance) {
  // It must not be the cluster's own name: the operator deletes a PodMonitor of that name.
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
       {"inheritedMetadata", Json::Obj({{"labels", InstanceLabel(instance)}})},
       {"enableSuperuserAccess", false},
       // With one instance the budget would block every drain of its node.
       {"enablePDB", replicated},
       {"primaryUpdateStrategy", "unsupervised"},
       {"primaryUpdateMethod", replicated ? "switchover" : "restart"},
       {"storage", std::move(storage)},
       {"resources", Same(Amounts(instance.sizing.cpu_millis, instance.sizing.memory_bytes))},
       {"affinity", Json::Obj({{"enablePodAntiAffinity", true},
                               {"podAntiAffinityType", "preferred"},
                               {"topologyKey", "kubernetes.io/hostname"}})},
       {"postgresql", std::move(postgresql)}});
  SetBootstrap(spec, instance);
  if (instance.tier == "ENTERPRISE" && replicated) {
    spec.Set("topologySpreadConstraints",
             Json::Arr({Spread("topology.kubernetes.io/zone", InstancePods(instance))}));
  }
  if (!settings.image.empty()) spec.Set("imageName", settings.image);
  if (archiving) {
    spec.Set("plugins",
             Json::Arr({Json::Obj({{"name", kBarmanPlugin},
                                   {"enabled", true},
                                   {"isWALArchiver", true},
                                   {"parameters", PluginParameters(ObjectStoreName(instance),
                                                                   instance.LifeName())}})}));
  }
  return Object(kClusterApi, "Cluster", instance.name, std::move(spec));
}

Json NetworkPolicy(const Instance& instance, const std::string& operator_namespace) {
  Json the_operator =
      operator_namespace.empty() ? AnyNamespace() : NamespaceNamed(operator_namespace);
  the_operator.Set("podSelector",
                   MatchLabels(Json::Obj({{"app.kubernetes.io/name", "cloudnative-pg"}})));
  const Json anywhere = Json::Arr({AnyNamespace()});
  return IngressPolicy(
      instance.name, ClusterPods(instance),
      Json::Arr({IngressRule(anywhere, {kPort}),
                 IngressRule(Json::Arr({std::move(the_operator), PodsOf(ClusterPods(instance))}),
                             {kPort, kStatusPort}),
                 IngressRule(anywhere, {kMetricsPort})}));
}

Json ObjectStore(const Instance& instance) {
  return Object(kObjectStoreApi, "ObjectStore", ObjectStoreName(instance),
                Json::Obj({{"retentionPolicy", instance.backup["retentionPolicy"]},
                           {"configuration", StoreConfiguration(instance.backup)},
                           {"instanceSidecarConfiguration", Sidecar()}}));
}

Json SourceStore(const Instance& instance) {
  return Object(kObjectStoreApi, "ObjectStore", SourceStoreName(instance),
                Json::Obj({{"configuration", StoreConfiguration(instance.source["archive"])},
                           {"instanceSidecarConfiguration", Sidecar()}}));
}

Json Backup(const Instance& instance, const std::string& name, const Json& cluster) {
  Json out = Object(kClusterApi, "Backup", name,
                    Json::Obj({{"cluster", NameRef(instance.name)},
                               {"target", "prefer-standby"},
                               {"method", "plugin"},
                               {"pluginConfiguration", NameRef(kBarmanPlugin)}}));
  Json owner = Json::Obj({{"apiVersion", kClusterApi},
                          {"kind", "Cluster"},
                          {"name", instance.name},
                          {"uid", cluster["metadata"]["uid"]}});
  Json metadata = out["metadata"];
  metadata.Set("labels", Json::Obj({{"cnpg.io/cluster", instance.name}}))
      .Set("ownerReferences", Json::Arr({std::move(owner)}));
  return out.Set("metadata", std::move(metadata));
}

Json ScheduledBackup(const Instance& instance) {
  return Object(kClusterApi, "ScheduledBackup", ScheduledBackupName(instance),
                Json::Obj({{"schedule", instance.backup["schedule"]},
                           {"immediate", false},
                           {"backupOwnerReference", "cluster"},
                           {"cluster", NameRef(instance.name)},
                           {"target", "prefer-standby"},
                           {"method", "plugin"},
                           {"pluginConfiguration", NameRef(kBarmanPlugin)}}));
}

Json PodMonitor(const Instance& instance) {
  return Monitor(PodMonitorName(instance), InstancePods(instance),
                 Json::Arr({MetricsEndpoint("metrics")}));
}

Json Quota(const Instance& instance) {
  const bool sidecar = instance.HasBackup();
  const int64_t pods = instance.instances + 1;
  const int64_t cpu = instance.sizing.cpu_millis + (sidecar ? kSidecarCpuMillis : 0);
  const int64_t memory = instance.sizing.memory_bytes + (sidecar ? kSidecarMemoryBytes : 0);
  return QuotaAmounts{.cpu_millis = cpu * pods,
                      .memory_bytes = memory * pods,
                      .storage_bytes = instance.sizing.storage_bytes * pods,
                      .pods = pods,
                      .claims = pods}
      .ToJson();
}

}  // namespace cnpg
