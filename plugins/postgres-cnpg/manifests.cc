#include "manifests.h"

#include <algorithm>
#include <map>

namespace cnpg {
namespace {

Obj Metadata(const std::string& name) { return Obj().Str("name", name); }

Obj Object(const char* api_version, const char* kind, const std::string& name) {
  return Obj().Str("apiVersion", api_version).Str("kind", kind).Add("metadata", Metadata(name));
}

std::string MegaBytes(int64_t bytes) { return std::to_string(std::max<int64_t>(1, bytes >> 20)) + "MB"; }

// Defaults from the tier's memory and volume; what the user set wins.
std::map<std::string, std::string> Parameters(const Spec& spec) {
  const int64_t memory = QuantityBytes(spec.memory), storage = QuantityBytes(spec.storage);
  std::map<std::string, std::string> out{
      {"max_connections", std::to_string(std::clamp<int64_t>(memory / (10 << 20), 50, 500))},
      {"shared_buffers", MegaBytes(memory / 4)},
      {"effective_cache_size", MegaBytes(memory / 4 * 3)},
      {"maintenance_work_mem", MegaBytes(memory / 16)},
      {"work_mem", MegaBytes(std::max<int64_t>(2 << 20, memory / 512))},
      {"min_wal_size", "80MB"},
      {"max_wal_size", MegaBytes(std::min<int64_t>(int64_t{16} << 30, storage / 10))},
      // A dead replica's slot must never fill the disk.
      {"max_slot_wal_keep_size", MegaBytes(std::max<int64_t>(64 << 20, storage / 5))},
      {"pg_stat_statements.max", "5000"},
      {"pg_stat_statements.track", "top"},
  };
  for (const auto& [name, value] : spec.parameters) out[name] = value;
  return out;
}

std::string ServerName(const Instance& instance) { return instance.name + "-" + instance.seed.substr(0, 8); }

}  // namespace

Instance ReadInstance(const Value& value) {
  return {std::string(Str(At(value, "id"))), std::string(Str(At(value, "name"))), std::string(Str(At(value, "namespace"))), std::string(Str(At(value, "seed")))};
}

std::string ClusterManifest(const Instance& instance, const Spec& spec, bool with_backup) {
  Obj parameters;
  for (const auto& [name, value] : Parameters(spec)) parameters.Str(name, value);
  Obj postgresql;
  postgresql.Add("parameters", parameters);
  // Two of four replicas must have each commit: the primary and one replica may be lost.
  if (spec.instances >= 5) {
    postgresql.Add("synchronous", Obj().Str("method", "any").Num("number", 2).Str("dataDurability", "required").Bool("failoverQuorum", true));
  }
  const Obj amounts = Obj().Str("cpu", spec.cpu).Str("memory", spec.memory);
  Obj body;
  body.Str("description", spec.tier + " tier").Num("instances", spec.instances);
  body.Add("inheritedMetadata", Obj().Add("labels", Obj().Str("slipway.dev/instance", instance.id)));
  body.Bool("enableSuperuserAccess", false);
  // With one instance the budget would block every node drain for ever.
  body.Bool("enablePDB", spec.instances > 1);
  body.Str("primaryUpdateStrategy", "unsupervised").Str("primaryUpdateMethod", spec.instances > 1 ? "switchover" : "restart");
  body.Add("storage", Obj().Str("size", spec.storage).Bool("resizeInUseVolumes", true));
  body.Add("resources", Obj().Add("requests", amounts).Add("limits", amounts));
  body.Add("affinity", Obj().Bool("enablePodAntiAffinity", true).Str("podAntiAffinityType", "preferred").Str("topologyKey", "kubernetes.io/hostname"));
  if (spec.instances >= 3) {
    const Obj selector = Obj().Add("matchLabels", Obj().Str("cnpg.io/cluster", instance.name).Str("cnpg.io/podRole", "instance"));
    const Obj spread = Obj().Num("maxSkew", 1).Str("topologyKey", "topology.kubernetes.io/zone").Str("whenUnsatisfiable", "ScheduleAnyway").Add("labelSelector", selector);
    body.Raw("topologySpreadConstraints", Array({spread.Text()}));
  }
  body.Add("postgresql", postgresql);
  body.Add("bootstrap", Obj().Add("initdb", Obj().Str("database", "app").Str("owner", "app").Bool("dataChecksums", true)));
  if (with_backup && spec.backup) {
    const Obj plugin = Obj().Str("name", kPluginName).Bool("enabled", true).Bool("isWALArchiver", true).Add(
        "parameters", Obj().Str("barmanObjectName", instance.name + "-store").Str("serverName", ServerName(instance)));
    body.Raw("plugins", Array({plugin.Text()}));
  }
  return Object("postgresql.cnpg.io/v1", "Cluster", instance.name).Add("spec", body).Text();
}

std::string NetworkPolicyManifest(const Instance& instance) {
  const auto port = [](int number) { return Obj().Str("protocol", "TCP").Num("port", number).Text(); };
  // Clients and replicas 5432, operator and isolation check 8000, Prometheus 9187. Nothing else comes in.
  const Obj ingress = Obj().Raw("ports", Array({port(5432), port(8000), port(9187)}));
  const Obj body = Obj()
                       .Add("podSelector", Obj().Add("matchLabels", Obj().Str("cnpg.io/cluster", instance.name)))
                       .Raw("policyTypes", Strings({"Ingress"}))
                       .Raw("ingress", Array({ingress.Text()}));
  return Object("networking.k8s.io/v1", "NetworkPolicy", instance.name + "-database").Add("spec", body).Text();
}

std::string ObjectStoreManifest(const Instance& instance, const Spec& spec) {
  const Backup& b = *spec.backup;
  const auto key = [&](const std::string& name) { return Obj().Str("name", b.credentials_secret).Str("key", name); };
  Obj configuration;
  configuration.Str("destinationPath", b.destination_path);
  if (!b.endpoint_url.empty()) configuration.Str("endpointURL", b.endpoint_url);
  configuration.Add("s3Credentials", Obj().Add("accessKeyId", key(b.access_key_id_key)).Add("secretAccessKey", key(b.secret_access_key_key)));
  configuration.Add("wal", Obj().Str("compression", "gzip")).Add("data", Obj().Str("compression", "gzip").Bool("immediateCheckpoint", true));
  // Many S3-compatible stores refuse the newer AWS checksums.
  const auto env = [](const char* name) { return Obj().Str("name", name).Str("value", "when_required").Text(); };
  const Obj sidecar = Obj().Raw("env", Array({env("AWS_REQUEST_CHECKSUM_CALCULATION"), env("AWS_RESPONSE_CHECKSUM_VALIDATION")}));
  const Obj body = Obj().Str("retentionPolicy", b.retention_policy).Add("configuration", configuration).Add("instanceSidecarConfiguration", sidecar);
  return Object("barmancloud.cnpg.io/v1", "ObjectStore", instance.name + "-store").Add("spec", body).Text();
}

std::string ScheduledBackupManifest(const Instance& instance, const Spec& spec) {
  const Obj body = Obj()
                       .Str("schedule", spec.backup->schedule)
                       .Str("backupOwnerReference", "cluster")
                       .Add("cluster", Obj().Str("name", instance.name))
                       .Str("method", "plugin")
                       .Add("pluginConfiguration", Obj().Str("name", kPluginName));
  return Object("postgresql.cnpg.io/v1", "ScheduledBackup", instance.name + "-backup").Add("spec", body).Text();
}

std::string PodMonitorManifest(const Instance& instance) {
  // Not the Cluster's own name: the operator deletes a PodMonitor of that name. podRole keeps poolers out.
  const Obj selector = Obj().Add("matchLabels", Obj().Str("cnpg.io/cluster", instance.name).Str("cnpg.io/podRole", "instance"));
  const Obj endpoint = Obj().Str("port", "metrics").Str("interval", "30s").Str("path", "/metrics");
  const Obj body = Obj().Add("selector", selector).Raw("podMetricsEndpoints", Array({endpoint.Text()}));
  return Object("monitoring.coreos.com/v1", "PodMonitor", instance.name + "-metrics").Add("spec", body).Text();
}

}  // namespace cnpg
