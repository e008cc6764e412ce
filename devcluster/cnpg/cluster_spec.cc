#include "devcluster/cnpg/cluster_spec.h"

#include <cstdlib>

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

std::vector<std::string> Strings(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list.items()) out.push_back(item.AsString());
  return out;
}

void ReadBootstrap(const Json& bootstrap, ClusterSpec& out) {
  const char* method = bootstrap.Has("recovery")        ? "recovery"
                       : bootstrap.Has("pg_basebackup") ? "pg_basebackup"
                                                        : "initdb";
  const Json& section = bootstrap[method];
  out.bootstrap_job = method == std::string("recovery") ? "full-recovery"
                      : method == std::string("initdb") ? "initdb"
                                                        : "pgbasebackup";
  out.database = section["database"].AsString("app");
  out.owner = section["owner"].AsString(out.database);
  out.own_app_secret = section["secret"]["name"].is_string();
  out.app_secret = out.own_app_secret ? section["secret"]["name"].AsString() : out.name + "-app";
  out.post_init_sql = Strings(section["postInitSQL"]);
  out.post_init_application_sql = Strings(section["postInitApplicationSQL"]);
}

RecoveryTarget ReadTarget(const Json& target) {
  RecoveryTarget out;
  out.backup_id = target["backupID"].AsString();
  out.time = target["targetTime"].AsString();
  out.lsn = target["targetLSN"].AsString();
  out.xid = target["targetXID"].AsString();
  out.name = target["targetName"].AsString();
  out.timeline = target["targetTLI"].AsString();
  out.immediate = target["targetImmediate"].AsBool();
  out.exclusive = target["exclusive"].AsBool();
  return out;
}

void ReadOrigin(const Json& spec, ClusterSpec& out) {
  const Json& recovery = spec.At("/bootstrap/recovery");
  out.recovery_target = ReadTarget(recovery["recoveryTarget"]);
  const std::string& source = recovery["source"].AsString();
  if (source.empty()) return;
  for (const Json& external : spec["externalClusters"].items()) {
    const Json& plugin = external["plugin"];
    if (external["name"].AsString() != source || plugin["name"].AsString() != kBarmanPlugin)
      continue;
    out.origin_store = plugin["parameters"]["barmanObjectName"].AsString();
    out.origin_server = plugin["parameters"]["serverName"].AsString(out.name);
  }
}

void ReadPlugins(const Json& plugins, ClusterSpec& out) {
  for (const Json& plugin : plugins.items()) {
    if (!plugin["enabled"].AsBool(true)) continue;
    if (plugin["name"].AsString() != kBarmanPlugin) {
      out.unknown_plugin = plugin["name"].AsString();
      continue;
    }
    out.has_plugin = true;
    out.archives |= plugin["isWALArchiver"].AsBool();
    out.object_store = plugin["parameters"]["barmanObjectName"].AsString();
    out.server_name = plugin["parameters"]["serverName"].AsString(out.name);
  }
}

// Adds to `patch` the members of `want` that `have` lacks, at any depth.
void Complete(const Json& have, const Json& want, Json& patch) {
  for (const auto& [key, value] : want.members()) {
    const Json* present = have.Find(key);
    if (present == nullptr) {
      patch.Set(key, value);
    } else if (value.is_object() && present->is_object()) {
      Json inner = Json::MakeObject();
      Complete(*present, value, inner);
      if (!inner.empty()) patch.Set(key, std::move(inner));
    }
  }
}

Json DefaultParameters() {
  return Json::Obj({{"archive_mode", "on"},
                    {"archive_timeout", "5min"},
                    {"dynamic_shared_memory_type", "posix"},
                    {"full_page_writes", "on"},
                    {"log_destination", "csvlog"},
                    {"log_directory", "/controller/log"},
                    {"log_filename", "postgres"},
                    {"log_rotation_age", "0"},
                    {"log_rotation_size", "0"},
                    {"log_truncate_on_rotation", "false"},
                    {"logging_collector", "on"},
                    {"max_parallel_workers", "32"},
                    {"max_replication_slots", "32"},
                    {"max_worker_processes", "32"},
                    {"shared_memory_type", "mmap"},
                    {"shared_preload_libraries", ""},
                    {"ssl_max_protocol_version", "TLSv1.3"},
                    {"ssl_min_protocol_version", "TLSv1.3"},
                    {"wal_keep_size", "512MB"},
                    {"wal_level", "logical"},
                    {"wal_log_hints", "on"},
                    {"wal_receiver_timeout", "5s"},
                    {"wal_sender_timeout", "5s"}});
}

Json Defaults(const Json& spec) {
  Json want = Json::Obj(
      {{"affinity", Json::Obj({{"podAntiAffinityType", "preferred"}})},
       {"enablePDB", true},
       {"enableSuperuserAccess", false},
       {"failoverDelay", 0},
       {"instances", 1},
       {"logLevel", "info"},
       {"maxSyncReplicas", 0},
       {"minSyncReplicas", 0},
       {"monitoring", Json::Obj({{"disableDefaultQueries", false}, {"enablePodMonitor", false}})},
       {"postgresGID", 26},
       {"postgresUID", 26},
       {"primaryUpdateMethod", "restart"},
       {"primaryUpdateStrategy", "unsupervised"},
       {"smartShutdownTimeout", 180},
       {"startDelay", 3600},
       {"stopDelay", 1800},
       {"switchoverDelay", 3600}});
  if (!spec.Has("imageCatalogRef")) want.Set("imageName", kDefaultImage);
  const Json& bootstrap = spec["bootstrap"];
  if (bootstrap.Has("recovery"))
    want.SetAt("/bootstrap/recovery", Json::Obj({{"database", "app"}, {"owner", "app"}}));
  else if (bootstrap.Has("pg_basebackup"))
    want.SetAt("/bootstrap/pg_basebackup", Json::Obj({{"database", "app"}, {"owner", "app"}}));
  else
    want.SetAt("/bootstrap/initdb",
               Json::Obj({{"database", "app"},
                          {"encoding", "UTF8"},
                          {"localeCType", "C"},
                          {"localeCollate", "C"},
                          {"owner", bootstrap["initdb"]["database"].AsString("app")}}));
  if (!spec["monitoring"].Has("customQueriesConfigMap") &&
      !spec["monitoring"]["disableDefaultQueries"].AsBool())
    want.SetAt("/monitoring/customQueriesConfigMap",
               Json::Arr({Json::Obj({{"key", "queries"}, {"name", "cnpg-default-monitoring"}})}));
  want.SetAt("/postgresql/parameters", DefaultParameters());
  want.SetAt("/postgresql/syncReplicaElectionConstraint/enabled", false);
  want.SetAt("/probes/liveness/isolationCheck",
             Json::Obj({{"connectionTimeout", 1000}, {"enabled", true}, {"requestTimeout", 1000}}));
  want.Set(
      "replicationSlots",
      Json::Obj({{"highAvailability", Json::Obj({{"enabled", true}, {"slotPrefix", "_cnpg_"}})},
                 {"synchronizeReplicas", Json::Obj({{"enabled", true}})},
                 {"updateInterval", 30}}));
  want.SetAt("/storage/resizeInUseVolumes", true);
  return want;
}

}  // namespace

int MajorVersionOf(const std::string& image) {
  const size_t colon = image.rfind(':');
  if (colon == std::string::npos || image.find('/', colon) != std::string::npos) return 0;
  return std::atoi(image.c_str() + colon + 1);
}

Json MissingDefaults(const Json& cluster) {
  const Json& spec = cluster["spec"];
  Json patch = Json::MakeObject();
  Complete(spec, Defaults(spec), patch);
  return patch.empty() ? Json() : Json::Obj({{"spec", std::move(patch)}});
}

ClusterSpec ClusterSpec::Parse(const Json& cluster) {
  ClusterSpec out;
  const Json& spec = cluster["spec"];
  out.name = NameOf(cluster);
  out.ns = NamespaceOf(cluster);
  out.uid = UidOf(cluster);
  out.instances = static_cast<int>(spec["instances"].AsInt(1));
  out.image = spec.Has("imageCatalogRef") ? "" : spec["imageName"].AsString(kDefaultImage);
  out.major_version = MajorVersionOf(out.image);
  ReadBootstrap(spec["bootstrap"], out);
  ReadPlugins(spec["plugins"], out);
  ReadOrigin(spec, out);
  out.skip_archive_check = AnnotationOf(cluster, "cnpg.io/skipEmptyWalArchiveCheck") == "enabled";
  out.superuser_access = spec["enableSuperuserAccess"].AsBool();
  out.enable_pdb = spec["enablePDB"].AsBool(true);
  const Json& storage = spec["storage"];
  out.storage = storage["size"].AsString(
      storage.At("/pvcTemplate/resources/requests/storage").AsString("1Gi"));
  out.storage_class = storage["storageClass"].AsString();
  if (spec.Has("walStorage"))
    out.wal_storage = spec["walStorage"]["size"].AsString(
        spec.At("/walStorage/pvcTemplate/resources/requests/storage").AsString("1Gi"));
  out.switchover_updates = spec["primaryUpdateMethod"].AsString() == "switchover";
  out.fault = AnnotationOf(cluster, "slipway.dev/sim-fault");
  if (out.fault == "unknown-plugin" && out.unknown_plugin.empty())
    out.unknown_plugin = kBarmanPlugin;
  out.restarted_at = AnnotationOf(cluster, "kubectl.kubernetes.io/restartedAt");
  out.hibernated = AnnotationOf(cluster, "cnpg.io/hibernation") == "on";
  out.disabled_services = Strings(spec.At("/managed/services/disabledDefaultServices"));
  out.inherited_labels = spec.At("/inheritedMetadata/labels");
  out.inherited_annotations = spec.At("/inheritedMetadata/annotations");
  out.resources = spec["resources"];
  out.env = spec["env"];
  out.parameters = spec.At("/postgresql/parameters");
  out.affinity = spec["affinity"];
  return out;
}

}  // namespace slipway::sim::operators::cnpg
