#include <algorithm>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/child_specs.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/objects.h"
#include "devcluster/vitess/pass.h"
#include "devcluster/vitess/servers.h"

namespace slipway::sim::operators::vitess {

namespace {

bool HasCompleteBackup(ClusterPass& pass, const ShardView& view) {
  for (const Json& backup : pass.All("VitessBackup"))
    if (LabelOf(backup, kKeyspaceLabel) == view.keyspace.name &&
        LabelOf(backup, kShardLabel) == view.shard.safe && backup.At("/status/complete").AsBool())
      return true;
  return false;
}

// Makes the first backup. It is wanted as long as there is neither a complete backup nor a primary.
Result<void> EnsureFirstBackup(ClusterPass& pass, ShardView& view) {
  const std::string name = InitialBackupName(pass.spec, view.keyspace, view.shard);
  const bool wanted = view.shard.spec.At("/replication/initializeBackup").AsBool(true) &&
                      view.topology.primary.empty() && !HasCompleteBackup(pass, view);
  if (wanted) {
    for (const Json& object : InitialBackup(pass.spec, view.keyspace, view.shard, view.object))
      TRY_VOID(pass.Ensure(object, view.object));
    return {};
  }
  for (const char* kind : {"Pod", "PersistentVolumeClaim"})
    if (const Json* object = pass.Find(kind, name)) TRY_VOID(pass.Remove(*object, view.object));
  return {};
}

// Waits until all tablets exist and, if there is a backup, have its data.
Result<void> InitPrimary(ClusterPass& pass, ShardView& view) {
  if (!view.topology.primary.empty() || !view.topology.registered() || !pass.LockserverAnswers() ||
      pass.spec.fault == "no-primary" ||
      !view.shard.spec.At("/replication/initializeMaster").AsBool(true))
    return {};
  const Tablet* first = nullptr;
  for (const Tablet& tablet : view.shard.tablets) {
    const std::string type = view.topology.TypeOf(tablet.alias);
    if (type.empty() || type == "restore") {
      pass.EventOnce(view.object, "Normal", "InitShardWaiting",
                     pass.spec.has_backup ? "waiting for initial backup"
                                          : "waiting for all tablets to be registered");
      return {};
    }
    if (first == nullptr && tablet.pool_type == "replica") first = &tablet;
  }
  if (first == nullptr) return {};
  if (auto made = pass.env.servers->Reparent(pass, view, first->alias); !made) {
    pass.EventOnce(view.object, "Warning", "InitShardFailed", made.error().message);
    return std::move(made).error();
  }
  Topology topology = view.topology;
  topology.primary = first->alias;
  TRY_VOID(WriteTopology(pass, view, topology));
  pass.Event(view.object, "Normal", "InitShardPrimary",
             "initialized shard primary " + first->alias);
  return {};
}

// Deletes evicted pods, so that they are made again.
Result<void> RemoveEvicted(ClusterPass& pass, ShardView& view) {
  for (const Tablet& tablet : view.shard.tablets) {
    Json* pod = pass.PodOf(tablet);
    if (pod != nullptr && pod->At("/status/phase").AsString() == "Failed")
      TRY_VOID(pass.Remove(*pod, view.object));
  }
  return {};
}

}  // namespace

Result<void> ReconcileShard(ClusterPass& pass, ShardView& view) {
  if (view.object["spec"] == ShardSpec(pass.spec, view.keyspace, view.shard))
    view.wanted = ShardObjects(pass.spec, view.keyspace, view.shard, view.object);
  Json status = ShardStatus(pass, view);
  for (const Json& object : view.wanted) TRY_VOID(pass.Ensure(object, view.object));
  if (!view.wanted.empty()) {
    TRY_VOID(RemoveEvicted(pass, view));
    TRY_VOID(RollTablets(pass, view));
    TRY_VOID(DrainTablets(pass, view));
    TRY_VOID(TurnDownTablets(pass, view));
    TRY_VOID(EnsureFirstBackup(pass, view));
    TRY_VOID(InitPrimary(pass, view));
  }
  return pass.PutStatusOf(view.object, std::move(status));
}

}  // namespace slipway::sim::operators::vitess
