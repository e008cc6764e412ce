#include "devcluster/vitess/child_specs.h"

#include "devcluster/vitess/names.h"

namespace slipway::sim::operators::vitess {

namespace {

Json Lockserver(const ClusterSpec& spec) {
  if (!spec.own_etcd) return spec.spec.At("/globalLockserver/external");
  return Json::Obj({{"implementation", "etcd2"},
                    {"address", EtcdName(spec.name) + "-client." + spec.ns + ".svc:2379"},
                    {"rootPath", "/vitess/" + spec.name + "/global"}});
}

Json Images(const ClusterSpec& spec, std::initializer_list<const char*> components) {
  Json out = Json::MakeObject();
  for (const char* component : components)
    if (const Json& image = spec.spec["images"][component]; !image.is_null())
      out.Set(component, image);
  return out;
}

void Copy(Json& to, const Json& from, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (from.Has(key)) to.Set(key, from[key]);
}

Json ZoneMap(const ClusterSpec& spec) {
  Json out = Json::MakeObject();
  for (const Cell& cell : spec.cells) out.Set(cell.name, cell.spec["zone"].AsString(""));
  return out;
}

// Adds what keyspaces pass on to their shards.
void AddShared(const ClusterSpec& spec, Json& to) {
  to.Set("globalLockserver", Lockserver(spec)).Set("zoneMap", ZoneMap(spec));
  to.Set("images", Images(spec, {"vttablet", "vtorc", "vtbackup", "mysqld", "mysqldExporter"}));
  Copy(to, spec.spec,
       {"extraVitessFlags", "imagePullPolicies", "imagePullSecrets", "topologyReconciliation",
        "updateStrategy"});
  if (!spec.has_backup) return;
  to.Set("backupLocations", spec.spec.At("/backup/locations"));
  if (const Json& engine = spec.spec.At("/backup/engine"); !engine.is_null())
    to.Set("backupEngine", engine);
}

}  // namespace

Json CellSpec(const ClusterSpec& spec, const Cell& cell) {
  Json out = cell.spec, all = Json::MakeArray();
  for (const Cell& one : spec.cells) all.Push(one.name);
  out.Set("allCells", std::move(all)).Set("globalLockserver", Lockserver(spec));
  out.Set("images", Images(spec, {"vtgate"}));
  Copy(out, spec.spec,
       {"extraVitessFlags", "imagePullPolicies", "imagePullSecrets", "topologyReconciliation"});
  return out;
}

Json KeyspaceSpec(const ClusterSpec& spec, const Keyspace& keyspace) {
  Json out = keyspace.spec;
  const Json own_images = keyspace.spec["images"];
  AddShared(spec, out);
  if (own_images.is_object()) out["images"].MergePatch(own_images);
  return out;
}

Json ShardSpec(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard) {
  Json out = Json::MakeObject();
  AddShared(spec, out);
  if (const Json& images = keyspace.spec["images"]; images.is_object())
    out["images"].MergePatch(images);
  Copy(out, shard.spec, {"annotations", "databaseInitScriptSecret", "replication", "tabletPools"});
  Copy(out, keyspace.spec, {"vitessOrchestrator"});
  const size_t dash = shard.range.find('-');
  Json range = Json::MakeObject();
  if (dash > 0) range.Set("start", shard.range.substr(0, dash));
  if (dash + 1 < shard.range.size()) range.Set("end", shard.range.substr(dash + 1));
  return out.Set("name", shard.range)
      .Set("databaseName", keyspace.database)
      .Set("keyRange", std::move(range));
}

}  // namespace slipway::sim::operators::vitess
