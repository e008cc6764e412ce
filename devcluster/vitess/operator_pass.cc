#include <algorithm>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/child_specs.h"
#include "devcluster/vitess/names.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/objects.h"
#include "devcluster/vitess/pass.h"

namespace slipway::sim::operators::vitess {

namespace {

Result<void> EnsureAll(ClusterPass& pass, const std::vector<Json>& wanted, const Json& owner) {
  for (const Json& object : wanted) TRY_VOID(pass.Ensure(object, owner));
  return {};
}

void NoteLockserver(ClusterPass& pass) {
  const bool answers = pass.LockserverAnswers();
  if (answers && pass.spec.own_etcd) {
    pass.EventOnce(pass.cluster, "Normal", "TopoCellAlias",
                   "registered the alias of all cells in the topology");
    pass.EventOnce(pass.cluster, "Normal", "TopoUpdated", "updated the cells in the topology");
  }
  if (answers) return;
  const auto failed = [&](const Json& about) {
    pass.EventOnce(about, "Warning", "TopoConnectFailed",
                   "failed to connect to topology server: context deadline exceeded");
  };
  failed(pass.cluster);
  for (const char* kind : {"VitessKeyspace", "VitessShard"})
    for (const Json& object : pass.All(kind)) failed(object);
}

Result<void> ReconcileEtcd(ClusterPass& pass) {
  Json* etcd = pass.Find("EtcdLockserver", EtcdName(pass.spec.name));
  if (etcd == nullptr || !pass.spec.own_etcd) return {};
  TRY_VOID(EnsureAll(pass, EtcdObjects(pass.spec, *etcd), *etcd));
  return pass.PutStatusOf(*etcd, EtcdStatus(pass, *etcd));
}

Result<void> ReconcileStorages(ClusterPass& pass) {
  for (const Json& storage : pass.All("VitessBackupStorage"))
    TRY_VOID(EnsureAll(pass, BackupStorageObjects(pass.spec, storage), storage));
  return {};
}

Result<void> ReconcileCells(ClusterPass& pass) {
  for (const Cell& cell : pass.spec.cells) {
    Json* object = pass.Find("VitessCell", cell.object);
    if (object == nullptr) continue;
    Json status = CellStatus(pass, cell, *object);
    TRY_VOID(EnsureAll(pass, CellObjects(pass.spec, cell, *object), *object));
    TRY_VOID(pass.PutStatusOf(*object, std::move(status)));
  }
  return {};
}

// The shards follow once the spec of the keyspace itself is up to date.
Result<void> ReconcileKeyspace(ClusterPass& pass, const Keyspace& keyspace, bool current) {
  Json& object = *pass.Find("VitessKeyspace", keyspace.object);
  if (!current) return pass.PutStatusOf(object, KeyspaceStatus(pass, keyspace, object));
  Json status = KeyspaceStatus(pass, keyspace, object);
  for (const Shard& shard : keyspace.shards)
    TRY_VOID(pass.Ensure(ShardObject(pass.spec, keyspace, shard, object), object));
  for (const Json& shard : pass.All("VitessShard")) {
    if (LabelOf(shard, kKeyspaceLabel) != keyspace.name) continue;
    const auto& shards = keyspace.shards;
    const bool wanted = std::any_of(shards.begin(), shards.end(),
                                    [&](const Shard& one) { return one.name == NameOf(shard); });
    if (!wanted) TRY_VOID(pass.Remove(shard, object));
  }
  return pass.PutStatusOf(object, std::move(status));
}

// Deletes keyspaces, cells and schedules that are no longer in the spec.
Result<void> Prune(ClusterPass& pass) {
  const ClusterSpec& spec = pass.spec;
  bool keyspaces_left = false;
  for (const Json& object : pass.All("VitessKeyspace")) {
    const bool wanted = std::any_of(spec.keyspaces.begin(), spec.keyspaces.end(),
                                    [&](const auto& one) { return one.object == NameOf(object); });
    if (wanted) continue;
    if (object.At("/spec/turndownPolicy").AsString() == "Immediate") {
      TRY_VOID(pass.Remove(object, pass.cluster));
      continue;
    }
    keyspaces_left = true;
    pass.EventOnce(object, "Warning", "TurndownBlocked", "the keyspace is not idle");
  }
  for (const Json& object : pass.All("VitessCell")) {
    const bool wanted = std::any_of(spec.cells.begin(), spec.cells.end(),
                                    [&](const auto& one) { return one.object == NameOf(object); });
    if (!wanted && !keyspaces_left) TRY_VOID(pass.Remove(object, pass.cluster));
  }
  for (const Json& object : pass.All("VitessBackupSchedule")) {
    const auto& schedules = spec.spec.At("/backup/schedules").items();
    const bool wanted = std::any_of(schedules.begin(), schedules.end(), [&](const Json& one) {
      return JoinName({spec.name, "vbsc", one["name"].AsString()}) == NameOf(object);
    });
    if (!wanted) TRY_VOID(pass.Remove(object, pass.cluster));
  }
  return {};
}

}  // namespace

Result<void> ReconcileCluster(ClusterPass& pass) {
  std::vector<bool> current;
  for (const Keyspace& keyspace : pass.spec.keyspaces) {
    const Json* object = pass.Find("VitessKeyspace", keyspace.object);
    current.push_back(object != nullptr && (*object)["spec"] == KeyspaceSpec(pass.spec, keyspace));
  }
  TRY_VOID(EnsureAll(pass, ClusterObjects(pass.spec, pass.cluster), pass.cluster));
  TRY_VOID(Prune(pass));
  TRY_VOID(ReconcileEtcd(pass));
  TRY_VOID(ReconcileStorages(pass));
  TRY_VOID(ReconcileCells(pass));
  TRY_VOID(pass.PutStatusOf(pass.cluster, ClusterStatus(pass)));
  std::vector<ShardView> shards = ShardsOf(pass);
  for (size_t i = 0; i < pass.spec.keyspaces.size(); ++i)
    if (pass.Find("VitessKeyspace", pass.spec.keyspaces[i].object) != nullptr)
      TRY_VOID(ReconcileKeyspace(pass, pass.spec.keyspaces[i], current[i]));
  for (ShardView& shard : shards) TRY_VOID(ReconcileShard(pass, shard));
  NoteLockserver(pass);
  return {};
}

}  // namespace slipway::sim::operators::vitess
