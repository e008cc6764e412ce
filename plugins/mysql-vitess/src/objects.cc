#include "objects.h"

#include "options.h"
#include "sizes.h"

namespace vitess {

namespace {

// The operator puts these on pods, and on pods only.
Json OurLabel(const Database& database) {
  return Json::Obj({{"slipway.dev/instance", database.id}});
}

// What every part's pods have in common.
Json Part(const Database& database, const Settings& settings, const Json& resources) {
  Json out = Json::Obj({{"extraLabels", OurLabel(database)}, {"resources", resources}});
  if (!settings.tolerations.IsNull()) out.Set("tolerations", settings.tolerations);
  return out;
}

Json Claim(const std::string& size, const Settings& settings) {
  Json out = Json::Obj({{"accessModes", Json::Arr({"ReadWriteOnce"})},
                        {"resources", Json::Obj({{"requests", Json::Obj({{"storage", size}})}})}});
  if (!settings.storage_class.empty()) out.Set("storageClassName", settings.storage_class);
  return out;
}

Json Spread(const Database& database, const char* component, const char* by) {
  return Json::Obj(
      {{"maxSkew", 1},
       {"topologyKey", by},
       {"whenUnsatisfiable", "ScheduleAnyway"},
       {"labelSelector",
        Json::Obj({{"matchLabels", Json::Obj({{"planetscale.com/cluster", database.name},
                                              {"planetscale.com/component", component}})}})}});
}

// Over nodes, and over zones where there are enough pods for it.
Json Spreads(const Database& database, const char* component) {
  Json out = Json::Arr({Spread(database, component, "kubernetes.io/hostname")});
  if (database.instances >= 3) out.Push(Spread(database, component, "topology.kubernetes.io/zone"));
  return out;
}

Json Gateway(const Database& database, const Settings& settings) {
  Json flags =
      Json::Obj({{"tablet-refresh-interval", "10s"}, {"vschema-ddl-authorized-users", kUser}});
  // Otherwise every start waits 30 s for a replica that there is not.
  if (database.instances == 1) flags.Set("tablet_types_to_wait", "PRIMARY");
  if (!settings.mysql_server_version.empty())
    flags.Set("mysql_server_version", settings.mysql_server_version);
  Json out = Part(database, settings, SizesOf(database).gateway.Resources());
  out.Set("replicas", database.GatewaysPerCell())
      .Set(
          "authentication",
          Json::Obj({{"static", Json::Obj({{"secret", Json::Obj({{"name", database.name + "-users"},
                                                                 {"key", "users.json"}})}})}}))
      .Set("extraFlags", std::move(flags));
  if (database.instances > 1) out.Set("topologySpreadConstraints", Spreads(database, "vtgate"));
  return out;
}

Json Pool(const Database& database, const Settings& settings, size_t cell) {
  const Sizes& sizes = SizesOf(database);
  const std::string cpu = FromMillis(database.sizing.cpu_millis);
  Json exporter = sizes.exporter.Resources();
  Json limits = exporter["limits"];
  exporter.Set("limits", limits.Set("cpu", "100m"));
  Json out = Json::Obj(
      {{"cell", database.cells[cell]},
       {"type", "replica"},
       {"replicas", database.TabletsIn(cell)},
       {"extraLabels", OurLabel(database)},
       {"vttablet", Json::Obj({{"terminationGracePeriodSeconds", 300},
                               {"extraFlags", Json::Obj({{"db_charset", "utf8mb4"}})},
                               {"resources", sizes.vttablet.Resources()}})},
       {"mysqld",
        Json::Obj(
            {{"resources",
              Json::Obj(
                  {{"requests",
                    Json::Obj({{"cpu", cpu}, {"memory", FromBytes(database.sizing.memory_bytes)}})},
                   {"limits",
                    Json::Obj({{"cpu", cpu},
                               {"memory", FromBytes(MysqldMemoryLimit(database.sizing))}})}})},
             {"configOverrides", database.options}})},
       {"mysqldExporter",
        Json::Obj({{"extraFlags", Json::Obj({{"collect.perf_schema.eventsstatements", "true"}})},
                   {"resources", std::move(exporter)}})},
       {"dataVolumeClaimTemplate", Claim(FromBytes(database.sizing.storage_bytes), settings)}});
  if (!settings.tolerations.IsNull()) out.Set("tolerations", settings.tolerations);
  if (database.instances > 1) out.Set("topologySpreadConstraints", Spreads(database, "vttablet"));
  // Many S3-compatible stores refuse the newer checksums of the AWS libraries.
  if (database.HasBackup()) {
    out.Set("extraEnv", Json::Arr({Json::Obj({{"name", "AWS_REQUEST_CHECKSUM_CALCULATION"},
                                              {"value", "when_required"}}),
                                   Json::Obj({{"name", "AWS_RESPONSE_CHECKSUM_VALIDATION"},
                                              {"value", "when_required"}})}));
  }
  return out;
}

Json Backup(const Database& database) {
  const Json& backup = database.backup;
  Json s3 = Json::Obj({{"region", backup["region"]}, {"bucket", database.Bucket()}});
  if (backup.Has("endpointURL"))
    s3.Set("endpoint", backup["endpointURL"]).Set("forcePathStyle", true);
  s3.Set("keyPrefix", database.KeyPrefix())
      .Set("authSecret",
           Json::Obj({{"name", backup["credentialsSecret"]}, {"key", backup["credentialsKey"]}}));
  return Json::Obj(
      {{"engine", "xtrabackup"},
       {"subcontroller", Json::Obj({{"serviceAccountName", BackupAccountName(database)}})},
       // One without a name: vtctld knows the first one only.
       {"locations", Json::Arr({Json::Obj({{"s3", std::move(s3)}})})}});
}

Json Schedule(const Database& database, const Settings& settings, const char* name, Json when) {
  Json spec = std::move(when);
  spec.Set("cluster", database.name)
      .Set("name", name)
      .Set("image", settings.image)
      .Set("concurrencyPolicy", "Forbid");
  return Json::Obj({{"apiVersion", kApi},
                    {"kind", "VitessBackupSchedule"},
                    {"metadata", Json::Obj({{"name", database.name + "-" + name}})},
                    {"spec", std::move(spec)}});
}

Json Strategy(Json more) {
  return Json::Arr({more.Set("name", "all").Set("scope", "Keyspace").Set("keyspace", kKeyspace)});
}

}  // namespace

std::string CredentialsName(const Instance& instance) {
  return instance.name + "-credentials";
}

std::string BackupAccountName(const Instance& instance) {
  return instance.name + "-backup-storage";
}

Json VitessCluster(const Database& database, const Settings& settings) {
  const Sizes& sizes = SizesOf(database);
  Json etcd = Part(database, settings, sizes.etcd.Resources());
  etcd.Set("dataVolumeClaimTemplate",
           Claim(std::to_string(sizes.etcd_storage_gi) + "Gi", settings));
  if (!settings.etcd_image.empty()) etcd.Set("image", settings.etcd_image);
  Json cells = Json::Arr(), names = Json::Arr(), pools = Json::Arr();
  for (size_t i = 0; i < database.cells.size(); ++i) {
    names.Push(database.cells[i]);
    cells.Push(Json::Obj({{"name", database.cells[i]}, {"gateway", Gateway(database, settings)}}));
    pools.Push(Pool(database, settings, i));
  }
  Json dashboard = Part(database, settings, sizes.vtctld.Resources());
  dashboard.Set("cells", std::move(names)).Set("replicas", 1);
  Json spec = Json::Obj(
      {{"images", Json::Obj({{"vtctld", settings.image},
                             {"vtgate", settings.image},
                             {"vttablet", settings.image},
                             {"vtorc", settings.image},
                             {"vtbackup", settings.image},
                             {"mysqld", Json::Obj({{"mysql80Compatible", settings.image}})},
                             {"mysqldExporter", settings.mysqld_exporter_image}})},
       {"updateStrategy", Json::Obj({{"type", "Immediate"}})},
       {"globalLockserver", Json::Obj({{"etcd", std::move(etcd)}})},
       {"vitessDashboard", std::move(dashboard)},
       {"cells", std::move(cells)},
       {"keyspaces",
        Json::Arr({Json::Obj(
            {{"name", kKeyspace},
             {"databaseName", kKeyspace},
             // One tablet would wait for ever for another's acknowledgement.
             {"durabilityPolicy", database.instances > 1 ? "semi_sync" : "none"},
             {"turndownPolicy", "Immediate"},
             {"vitessOrchestrator", Part(database, settings, sizes.vtorc.Resources())},
             {"partitionings",
              Json::Arr({Json::Obj(
                  {{"equal",
                    Json::Obj({{"parts", database.Shards()},
                               {"shardTemplate",
                                Json::Obj({{"databaseInitScriptSecret",
                                            Json::Obj({{"name", database.name + "-init"},
                                                       {"key", "init_db.sql"}})},
                                           {"tabletPools", std::move(pools)}})}})}})})}})})}});
  if (database.HasBackup()) spec.Set("backup", Backup(database));
  return Json::Obj({{"apiVersion", kApi},
                    {"kind", "VitessCluster"},
                    {"metadata", Json::Obj({{"name", database.name}})},
                    {"spec", std::move(spec)}});
}

Json BackupSchedules(const Database& database, const Settings& settings) {
  // Each kept job of a full backup keeps a volume too, and without limits all are kept.
  Json out = Json::Arr({Schedule(database, settings, "full",
                                 Json::Obj({{"schedule", database.backup["schedule"]},
                                            {"backupMethod", "vtbackup"},
                                            {"successfulJobsHistoryLimit", 1},
                                            {"failedJobsHistoryLimit", 1},
                                            {"startingDeadlineSeconds", 600},
                                            {"jobTimeoutMinute", 360},
                                            {"resources", Amount{100, 1024, 1024}.Resources()},
                                            {"strategies", Strategy(Json::Obj())}}))});
  if (database.backup["incrementalEvery"].AsString() == "off") return out;
  Json strategy = Json::Obj({{"extraFlags", Json::Obj({{"incremental-from-pos", "auto"}})}});
  out.Push(Schedule(database, settings, "incremental",
                    Json::Obj({{"frequency", database.backup["incrementalEvery"]},
                               {"backupMethod", "vtctldclient"},
                               {"successfulJobsHistoryLimit", 3},
                               {"failedJobsHistoryLimit", 3},
                               {"startingDeadlineSeconds", 300},
                               {"jobTimeoutMinute", 45},
                               {"resources", Amount{50, 64, 128}.Resources()},
                               {"strategies", Strategy(std::move(strategy))}})));
  return out;
}

}  // namespace vitess
