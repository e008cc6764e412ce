#include <algorithm>
#include <set>

#include "base/clock.h"
#include "devcluster/operators/deployments.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/names.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/objects.h"
#include "devcluster/vitess/pass.h"
#include "devcluster/vitess/status_parts.h"

namespace slipway::sim::operators::vitess {

namespace {

Json Generation(const Json& object) {
  return object["metadata"]["generation"].AsInt();
}

// Treats the Deployments of several cells as one.
class Together {
 public:
  explicit Together(ClusterPass& pass) : pass_(pass) {}

  void Add(const std::string& deployment) {
    const Json* found = pass_.Find("Deployment", deployment);
    if (found == nullptr)
      seen_ = false;
    else
      available_ &= DeploymentAvailable(*found);
  }

  const char* Ternary() const { return !seen_ ? kUnknown : Yes(available_); }

 private:
  ClusterPass& pass_;
  bool seen_ = true, available_ = true;
};

Json CountsOf(const Keyspace& keyspace, const Json& status) {
  TabletCounts all;
  int64_t shards = 0, ready_shards = 0, updated_shards = 0;
  std::set<std::string> cells;
  for (const auto& [range, shard] : status["shards"].members()) {
    const TabletCounts counts = TabletCounts::Of(shard);
    all.Add(counts);
    ++shards;
    if (counts.ready == counts.desired) ++ready_shards;
    if (counts.updated == counts.tablets) ++updated_shards;
    for (const Json& cell : shard["cells"].items()) cells.insert(cell.AsString());
  }
  all.desired = keyspace.desired_tablets();
  Json out = Json::MakeObject();
  SetCount(out, "desiredShards", static_cast<int64_t>(keyspace.shards.size()));
  SetCount(out, "shards", shards);
  SetCount(out, "readyShards", ready_shards);
  SetCount(out, "updatedShards", updated_shards);
  all.Write(out);
  SetOrErase(out, "cells", ListOrNull({cells.begin(), cells.end()}));
  return out;
}

bool ServesIn(const Keyspace& keyspace, const std::string& cell) {
  for (const Shard& shard : keyspace.shards)
    for (const Tablet& tablet : shard.tablets)
      if (tablet.cell == cell) return true;
  return false;
}

// Adds the keyspaces and cells that exist but are no longer in the spec.
void AddOrphans(ClusterPass& pass, Json& status) {
  const auto add = [&](const char* kind, const char* label, const char* list, const auto& wanted) {
    for (const Json& object : pass.All(kind)) {
      const std::string& name = LabelOf(object, label);
      if (std::any_of(wanted.begin(), wanted.end(),
                      [&](const auto& one) { return one.name == name; }))
        continue;
      status[list].Set(name, Json::Obj({{"reason", "NotIdle"},
                                        {"message",
                                         "it is still in use: its pools or keyspaces "
                                         "must be turned down first"}}));
    }
  };
  add("VitessKeyspace", kKeyspaceLabel, "orphanedKeyspaces", pass.spec.keyspaces);
  add("VitessCell", kCell, "orphanedCells", pass.spec.cells);
}

}  // namespace

Json EtcdStatus(ClusterPass& pass, const Json& etcd) {
  return Json::Obj(
      {{"observedGeneration", Generation(etcd)}, {"available", Yes(pass.LockserverAnswers())}});
}

Json CellStatus(ClusterPass& pass, const Cell& cell, const Json& object) {
  const std::string name = CellGateway(pass.spec, cell.name);
  Json gateway = Json::Obj({{"available", kUnknown}});
  if (const Json* deployment = pass.Find("Deployment", name)) {
    gateway.Set("available", Yes(DeploymentAvailable(*deployment)))
        .Set("serviceName", name)
        .Set("labelSelector", std::string(kCell) + "=" + cell.name + "," + kClusterLabel + "=" +
                                  pass.spec.name + "," + kComponent + "=vtgate");
    SetCount(gateway, "replicas", deployment->At("/spec/replicas").AsInt());
  }
  Json out = Json::Obj({{"observedGeneration", Generation(object)},
                        {"lockserver", Json::MakeObject()},
                        {"gateway", std::move(gateway)}});
  for (const Keyspace& keyspace : pass.spec.keyspaces)
    if (ServesIn(keyspace, cell.name)) out["keyspaces"].Set(keyspace.name, Json::MakeObject());
  out.Set("idle", Yes(!out.Has("keyspaces")));
  return out;
}

Json ClusterStatus(ClusterPass& pass) {
  const ClusterSpec& spec = pass.spec;
  Json lockserver = Json::MakeObject();
  if (spec.own_etcd) {
    const Json* etcd = pass.Find("EtcdLockserver", EtcdName(spec.name));
    lockserver.Set(
        "etcd",
        Json::Obj({{"available",
                    etcd == nullptr ? Json(kUnknown) : TernaryOf(etcd->At("/status/available"))}}));
  }
  Together vtctld(pass);
  for (const std::string& cell : spec.dashboard_cells()) vtctld.Add(VtctldDeployment(spec, cell));
  Json dashboard = Json::Obj({{"available", vtctld.Ternary()}});
  if (pass.Find("Service", VtctldService(spec)) != nullptr)
    dashboard.Set("serviceName", VtctldService(spec));
  Json out = Json::Obj({{"observedGeneration", Generation(pass.cluster)},
                        {"globalLockserver", std::move(lockserver)},
                        {"vitessDashboard", std::move(dashboard)},
                        {"vtadmin", Json::Obj({{"available", kUnknown}})}});
  if (pass.Find("Service", VtgateService(spec)) != nullptr)
    out.Set("gatewayServiceName", VtgateService(spec));
  for (const Cell& cell : spec.cells) {
    const Json* object = pass.Find("VitessCell", cell.object);
    const Json available =
        object == nullptr ? Json(kUnknown) : TernaryOf(object->At("/status/gateway/available"));
    out["cells"].Set(cell.name, Json::Obj({{"gatewayAvailable", available}}));
  }
  for (const Keyspace& keyspace : spec.keyspaces) {
    const Json* object = pass.Find("VitessKeyspace", keyspace.object);
    out["keyspaces"].Set(keyspace.name,
                         CountsOf(keyspace, object == nullptr ? Json() : (*object)["status"]));
  }
  AddOrphans(pass, out);
  return out;
}

Json VtorcStatus(ClusterPass& pass, const ShardView& view) {
  Together vtorc(pass);
  for (const std::string& cell : view.shard.cells)
    vtorc.Add(VtorcDeployment(pass.spec, view.keyspace, view.shard, cell));
  return Json::Obj({{"available", vtorc.Ternary()}});
}

}  // namespace slipway::sim::operators::vitess
