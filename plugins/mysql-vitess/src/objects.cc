#include "objects.h"

#include "options.h"
#include "recovery.h"
#include "scene.h"
#include "sizes.h"
#include "surroundings.h"

namespace vitess {

namespace {

// The members that every part has. The operator gives the labels to pods, and to pods only.
Json Part(const Database& database, const Settings& settings, const Json& resources) {
  Json out = Json::Obj({{"extraLabels", InstanceLabel(database)}, {"resources", resources}});
  if (!settings.tolerations.IsNull()) out.Set("tolerations", settings.tolerations);
  return out;
}

// Over nodes, and over zones if there are enough pods.
Json Spreads(const Database& database, const char* component) {
  const Json pods = MatchLabels(Json::Obj(
      {{"planetscale.com/cluster", database.name}, {"planetscale.com/component", component}}));
  Json out = Json::Arr({Spread("kubernetes.io/hostname", pods)});
  if (database.instances >= 3) out.Push(Spread("topology.kubernetes.io/zone", pods));
  return out;
}

Json Gateway(const Database& database, const Settings& settings) {
  Json flags =
      Json::Obj({{"tablet-refresh-interval", "10s"}, {"vschema-ddl-authorized-users", kUser}});
  // Otherwise every start waits 30 s for a replica that does not exist.
  if (database.instances == 1) flags.Set("tablet_types_to_wait", "PRIMARY");
  if (!settings.mysql_server_version.empty())
    flags.Set("mysql_server_version", settings.mysql_server_version);
  Json out = Part(database, settings, SizesOf(database).gateway.Resources());
  out.Set("replicas", database.GatewaysPerCell())
      .Set("authentication",
           Json::Obj({{"static",
                       Json::Obj({{"secret", KeyRef(database.name + "-users", "users.json")}})}}))
      .Set("extraFlags", std::move(flags));
  if (database.instances > 1) out.Set("topologySpreadConstraints", Spreads(database, "vtgate"));
  return out;
}

Json Pool(const Database& database, const Settings& settings, size_t cell, Form form) {
  const Sizes& sizes = SizesOf(database);
  const std::string cpu = FromMillis(database.sizing.cpu_millis);
  Json exporter = sizes.exporter.Resources();
  Json limits = exporter["limits"];
  exporter.Set("limits", limits.Set("cpu", "100m"));
  Json out = Json::Obj(
      {{"cell", database.cells[cell]},
       {"type", "replica"},
       {"replicas", database.TabletsIn(cell)},
       {"extraLabels", InstanceLabel(database)},
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
       {"dataVolumeClaimTemplate",
        ClaimSpec(FromBytes(database.sizing.storage_bytes), settings.storage_class)}});
  if (!settings.tolerations.IsNull()) out.Set("tolerations", settings.tolerations);
  if (database.instances > 1) out.Set("topologySpreadConstraints", Spreads(database, "vttablet"));
  if (database.HasBackup() && !StoreOf(database.backup["destinationPath"].AsString()).directory)
    out.Set("extraEnv", S3ChecksumEnv());
  if (form == Form::kFromSource) ReadSource(database, out);
  return out;
}

// A cluster restores the backups that it finds in its folder, so a new instance of an old name gets
// a new one.
Json Location(const Database& database) {
  const Json& backup = database.backup;
  const Store store = StoreOf(backup["destinationPath"].AsString());
  if (store.directory) {
    return Json::Obj(
        {{"volume", Json::Obj({{"hostPath", Json::Obj({{"path", store.path},
                                                       {"type", "DirectoryOrCreate"}})}})},
         {"volumeSubPath", database.LifeName()}});
  }
  Json s3 = Json::Obj({{"region", backup["region"]}, {"bucket", store.bucket}});
  if (backup.Has("endpointURL"))
    s3.Set("endpoint", backup["endpointURL"]).Set("forcePathStyle", true);
  s3.Set("keyPrefix", store.In(database.LifeName()))
      .Set("authSecret", KeyRef(backup["credentialsSecret"], backup["credentialsKey"]));
  return Json::Obj({{"s3", std::move(s3)}});
}

Json Backup(const Database& database) {
  return Json::Obj(
      {{"engine", "xtrabackup"},
       {"subcontroller", Json::Obj({{"serviceAccountName", BackupAccountName(database)}})},
       // It has no name: vtctld knows only the first location.
       {"locations", Json::Arr({Location(database)})}});
}

Json Schedule(const Database& database, const Settings& settings, const char* name, Json when) {
  Json spec = std::move(when);
  spec.Set("cluster", database.name)
      .Set("name", name)
      .Set("image", settings.image)
      .Set("concurrencyPolicy", "Forbid");
  return Object(kApi, "VitessBackupSchedule", database.name + "-" + name, std::move(spec));
}

Json Strategy(Json more) {
  return Json::Arr({more.Set("name", "all").Set("scope", "Keyspace").Set("keyspace", kKeyspace)});
}

}  // namespace

Json VitessCluster(const Database& database, const Settings& settings, Form form) {
  const Sizes& sizes = SizesOf(database);
  Json etcd = Part(database, settings, sizes.etcd.Resources());
  etcd.Set("dataVolumeClaimTemplate",
           ClaimSpec(std::to_string(sizes.etcd_storage_gi) + "Gi", settings.storage_class));
  if (!settings.etcd_image.empty()) etcd.Set("image", settings.etcd_image);
  Json cells = Json::Arr(), names = Json::Arr(), pools = Json::Arr();
  for (size_t i = 0; i < database.cells.size(); ++i) {
    names.Push(database.cells[i]);
    cells.Push(Json::Obj({{"name", database.cells[i]}, {"gateway", Gateway(database, settings)}}));
    pools.Push(Pool(database, settings, i, form));
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
             {"durabilityPolicy",
              database.instances > 1 && form == Form::kComplete ? "semi_sync" : "none"},
             {"turndownPolicy", "Immediate"},
             {"vitessOrchestrator", Part(database, settings, sizes.vtorc.Resources())},
             {"partitionings",
              Json::Arr({Json::Obj(
                  {{"equal",
                    Json::Obj({{"parts", database.Shards()},
                               {"shardTemplate",
                                Json::Obj({{"databaseInitScriptSecret",
                                            KeyRef(database.name + "-init", "init_db.sql")},
                                           {"tabletPools", std::move(pools)}})}})}})})}})})}});
  if (database.HasBackup()) spec.Set("backup", Backup(database));
  return Object(kApi, "VitessCluster", database.name, std::move(spec));
}

Json BackupJob(const Database& database, const Settings& settings, const std::string& name,
               const KeyRange& range, const Json& owner, const std::string& remove) {
  const std::string shard = std::string(kKeyspace) + "/" + range.Text();
  const auto client = [&](const char* container, std::initializer_list<Json> command) {
    Json args = Json::Arr(
        {"--server=" + JoinedName({database.name, "vtctld"}, kServiceNameMax, true) + ":15999",
         "--action_timeout=6h"});
    for (const Json& word : command) args.Push(word);
    return Json::Obj({{"name", container},
                      {"image", settings.image},
                      {"command", Json::Arr({"/vt/bin/vtctldclient"})},
                      {"args", std::move(args)},
                      {"securityContext", Json::Obj({{"runAsUser", 999}})},
                      {"terminationMessagePolicy", "FallbackToLogsOnError"},
                      {"resources", Amount{50, 64, 128}.Resources()}});
  };
  // xtrabackup lets the server go on; still vtctld wants to be told.
  Json backup = database.instances == 1
                    ? client("backup", {"BackupShard", "--allow-primary", shard})
                    : client("backup", {"BackupShard", shard});
  Json pod = Json::Obj({{"restartPolicy", "Never"}});
  if (remove.empty()) {
    pod.Set("containers", Json::Arr({std::move(backup)}));
  } else {
    pod.Set("initContainers", Json::Arr({std::move(backup)}))
        .Set("containers", Json::Arr({client("removal", {"RemoveBackup", shard, remove})}));
  }
  if (!settings.tolerations.IsNull()) pod.Set("tolerations", settings.tolerations);
  const Json labels = Json::Obj({{"planetscale.com/cluster", database.name},
                                 {"planetscale.com/keyspace", kKeyspace},
                                 {"planetscale.com/shard", range.Safe()}});
  Json out =
      Object(kJobApi, "Job", name,
             Json::Obj({{"backoffLimit", 0},
                        {"activeDeadlineSeconds", 21600},
                        {"ttlSecondsAfterFinished", 86400},
                        {"template", Json::Obj({{"metadata", Json::Obj({{"labels", labels}})},
                                                {"spec", std::move(pod)}})}}));
  Json metadata = out["metadata"];
  metadata.Set("labels", labels)
      .Set("ownerReferences", Json::Arr({Json::Obj({{"apiVersion", kApi},
                                                    {"kind", kCluster.kind},
                                                    {"name", database.name},
                                                    {"uid", owner["metadata"]["uid"]}})}));
  return out.Set("metadata", std::move(metadata));
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
