#include "devcluster/vitess/child_specs.h"
#include "devcluster/vitess/names.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/objects.h"

namespace slipway::sim::operators::vitess {

namespace {

const Json& BackupLocation(const ClusterSpec& spec) {
  return spec.spec.At("/backup/locations/0");
}

// The flags that the spec adds. The operator's own are left out.
Json Arguments(const Json& flags) {
  Json out = Json::MakeArray();
  for (const auto& [name, value] : flags.members()) out.Push("--" + name + "=" + value.AsString());
  return out;
}

Json ConfigOverrides(const Json& pool) {
  const Json& overrides = pool.At("/mysqld/configOverrides");
  if (!overrides.is_string()) return Json::MakeObject();
  return Json::Obj({{"planetscale.com/mysqld-config-overrides", overrides}});
}

Json InitContainers(const ClusterSpec& spec) {
  return Json::Arr({Container("init-vt-root", Image(spec, "vttablet"), {}, {})});
}

Json TabletPod(const ClusterSpec& spec, const Shard& shard, const Tablet& tablet,
               const Json& labels, const Json& owner) {
  const Json& pool = tablet.pool;
  Json vttablet = Container("vttablet", Image(spec, "vttablet"), pool.At("/vttablet/resources"),
                            {{"web", 15000}, {"grpc", 15999}});
  Json mysqld =
      Container("mysqld", MysqldImage(spec), pool.At("/mysqld/resources"), {{"mysql", 3306}});
  if (pool.Has("extraEnv")) vttablet.Set("env", pool["extraEnv"]);
  if (const Json& flags = pool.At("/vttablet/extraFlags"); flags.is_object())
    vttablet.Set("args", Arguments(flags));
  if (pool.Has("extraVolumeMounts")) vttablet.Set("volumeMounts", pool["extraVolumeMounts"]);
  Json body = Json::Obj(
      {{"containers",
        Json::Arr({std::move(vttablet), std::move(mysqld),
                   Container("mysqld-exporter", Image(spec, "mysqldExporter"),
                             pool.At("/mysqldExporter/resources"), {{"metrics", 9104}})})},
       {"initContainers", InitContainers(spec)},
       {"priorityClassName", "vitess"},
       {"terminationGracePeriodSeconds",
        pool.At("/vttablet/terminationGracePeriodSeconds").AsInt(1800)}});
  MountClaim(body, tablet.name);
  MountSecret(body, "init-script", shard.spec["databaseInitScriptSecret"]);
  MountBackups(body, BackupLocation(spec));
  AddExtraVolumes(body, pool);
  Place(body, pool);
  Json annotations = ConfigOverrides(pool);
  annotations.Set("drain.planetscale.com/supported", "ensure that the tablet is not a primary");
  return PodOf(tablet.name, WithExtraLabels(labels, pool), owner, std::move(body),
               std::move(annotations));
}

}  // namespace

std::string VtorcDeployment(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard,
                            const std::string& cell) {
  return JoinName({spec.name, keyspace.name, shard.safe, cell, "vtorc"});
}

std::string InitialBackupName(const ClusterSpec& spec, const Keyspace& keyspace,
                              const Shard& shard) {
  return JoinName({spec.name, keyspace.name, shard.safe, "vtbackup", "init"});
}

Json ShardObject(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard,
                 const Json& owner) {
  return Owned(kGroup, "VitessShard", shard.name,
               Json::Obj({{kClusterLabel, spec.name},
                          {kKeyspaceLabel, keyspace.name},
                          {kShardLabel, shard.safe}}),
               owner)
      .Set("spec", ShardSpec(spec, keyspace, shard));
}

std::vector<Json> ShardObjects(const ClusterSpec& spec, const Keyspace& keyspace,
                               const Shard& shard, const Json& object) {
  std::vector<Json> out;
  const Json& orchestrator = keyspace.spec["vitessOrchestrator"];
  for (const std::string& cell : shard.cells)
    out.push_back(DeploymentOf(
        VtorcDeployment(spec, keyspace, shard, cell),
        ShardLabels(spec, keyspace, shard, "vtorc").Set(kCell, cell), object, 1,
        Container("vtorc", Image(spec, "vtorc"), orchestrator["resources"], {{"web", 15000}}),
        orchestrator));
  for (const Tablet& tablet : shard.tablets) {
    const Json labels = ShardLabels(spec, keyspace, shard, "vttablet")
                            .Set(kCell, tablet.cell)
                            .Set("planetscale.com/tablet-index", std::to_string(tablet.index))
                            .Set("planetscale.com/tablet-type", tablet.pool_type)
                            .Set("planetscale.com/tablet-uid", std::to_string(tablet.uid));
    out.push_back(Claim(tablet.name, labels, object, tablet.pool["dataVolumeClaimTemplate"]));
    out.push_back(TabletPod(spec, shard, tablet, labels, object));
  }
  return out;
}

std::vector<Json> InitialBackup(const ClusterSpec& spec, const Keyspace& keyspace,
                                const Shard& shard, const Json& object) {
  if (!spec.has_backup || shard.tablets.empty()) return {};
  const Json labels = ShardLabels(spec, keyspace, shard, "vtbackup")
                          .Set(kLocation, "")
                          .Set("backup.planetscale.com/type", "init");
  const std::string name = InitialBackupName(spec, keyspace, shard);
  const Json& pool = shard.tablets.front().pool;
  Json body = Json::Obj({{"containers", Json::Arr({Container("vtbackup", MysqldImage(spec),
                                                             pool.At("/mysqld/resources"), {})})},
                         {"initContainers", InitContainers(spec)},
                         {"restartPolicy", "OnFailure"}});
  MountClaim(body, name);
  MountSecret(body, "init-script", shard.spec["databaseInitScriptSecret"]);
  MountBackups(body, BackupLocation(spec));
  Place(body, pool);
  Json pod = PodOf(name, labels, object, std::move(body), ConfigOverrides(pool));
  pod["metadata"]["annotations"].Erase(kStateHash);
  return {Claim(name, labels, object, pool["dataVolumeClaimTemplate"]), std::move(pod)};
}

}  // namespace slipway::sim::operators::vitess
