#include "devcluster/vitess/objects.h"

#include <cstdio>

#include "base/clock.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/child_specs.h"
#include "devcluster/vitess/names.h"
#include "devcluster/vitess/object_parts.h"

namespace slipway::sim::operators::vitess {

namespace {

Json GatewayPorts() {
  return Json::Arr({Port("web", 15000), Port("grpc", 15999), Port("mysql", 3306)});
}

// The resources are fixed, whatever the number of backups.
Json SubcontrollerResources() {
  return Json::Obj({{"requests", Json::Obj({{"cpu", "100m"}, {"memory", "128Mi"}})},
                    {"limits", Json::Obj({{"memory", "128Mi"}})}});
}

// Adds custom resources in the order in which the operator creates them.
void AddChildren(const ClusterSpec& spec, const Json& cluster, std::vector<Json>& out) {
  const Json plain = Json::Obj({{kClusterLabel, spec.name}});
  if (spec.own_etcd)
    out.push_back(
        Owned(kGroup, "EtcdLockserver", EtcdName(spec.name), Labels(spec, "etcd"), cluster)
            .Set("spec", spec.etcd()));
  for (const Json& location : spec.spec.At("/backup/locations").items()) {
    const std::string& name = location["name"].AsString();
    Json body = Json::Obj({{"location", location}});
    if (const Json& settings = spec.spec.At("/backup/subcontroller"); settings.is_object())
      body.Set("subcontroller", settings);
    out.push_back(Owned(kGroup, "VitessBackupStorage",
                        name.empty() ? JoinName({spec.name}) : JoinName({spec.name, name}),
                        Json(plain).Set(kLocation, name), cluster)
                      .Set("spec", std::move(body)));
  }
  for (const Json& schedule : spec.spec.At("/backup/schedules").items())
    out.push_back(
        Owned(kGroup, "VitessBackupSchedule",
              JoinName({spec.name, "vbsc", schedule["name"].AsString()}), plain, cluster)
            .Set("spec",
                 Json(schedule).Set("cluster", spec.name).Set("image", Image(spec, "vtctld"))));
  for (const Cell& cell : spec.cells)
    out.push_back(
        Owned(kGroup, "VitessCell", cell.object, Json(plain).Set(kCell, cell.name), cluster)
            .Set("spec", CellSpec(spec, cell)));
  for (const Keyspace& keyspace : spec.keyspaces)
    out.push_back(Owned(kGroup, "VitessKeyspace", keyspace.object,
                        Json(plain).Set(kKeyspaceLabel, keyspace.name), cluster)
                      .Set("spec", KeyspaceSpec(spec, keyspace)));
}

}  // namespace

std::string VtgateService(const ClusterSpec& spec) {
  return ServiceName({spec.name, "vtgate"});
}

std::string VtctldService(const ClusterSpec& spec) {
  return ServiceName({spec.name, "vtctld"});
}

std::string VtctldDeployment(const ClusterSpec& spec, const std::string& cell) {
  return JoinName({spec.name, cell, "vtctld"});
}

std::string CellGateway(const ClusterSpec& spec, const std::string& cell) {
  return ServiceName({spec.name, cell, "vtgate"});
}

std::string SubcontrollerName(const Json& storage) {
  return NameOf(storage) + "-vitessbackupstorage-subcontroller";
}

std::vector<Json> ClusterObjects(const ClusterSpec& spec, const Json& cluster) {
  std::vector<Json> out;
  AddChildren(spec, cluster, out);
  out.push_back(ServiceOf(VtgateService(spec), Labels(spec, "vtgate"), cluster, GatewayPorts()));
  out.push_back(
      HeadlessService(ServiceName({spec.name, "vttablet"}), Labels(spec, "vttablet"), cluster,
                      Json::Arr({Port("web", 15000), Port("grpc", 15999), Port("metrics", 9104)})));
  out.push_back(ServiceOf(VtctldService(spec), Labels(spec, "vtctld"), cluster,
                          Json::Arr({Port("web", 15000), Port("grpc", 15999)})));
  const Json& dashboard = spec.spec["vitessDashboard"];
  for (const std::string& cell : spec.dashboard_cells())
    out.push_back(DeploymentOf(VtctldDeployment(spec, cell),
                               Labels(spec, "vtctld").Set(kCell, cell), cluster,
                               dashboard["replicas"].AsInt(1),
                               Container("vtctld", Image(spec, "vtctld"), dashboard["resources"],
                                         {{"web", 15000}, {"grpc", 15999}}),
                               dashboard));
  return out;
}

std::vector<Json> EtcdObjects(const ClusterSpec& spec, const Json& etcd) {
  constexpr char kLockserver[] = "etcd.planetscale.com/lockserver";
  const std::string name = NameOf(etcd);
  const Json labels = Labels(spec, "etcd").Set(kLockserver, name);
  const Json only = Json::Obj({{kLockserver, name}});
  std::vector<Json> out;
  out.push_back(ServiceOf(name + "-client", labels, etcd, Json::Arr({Port("client", 2379)})));
  out.push_back(HeadlessService(name + "-peer", labels, etcd, Json::Arr({Port("peer", 2380)})));
  out.back()["spec"].Set("publishNotReadyAddresses", true);
  out.push_back(Owned("policy/v1", "PodDisruptionBudget", "etcd-lockserver-" + name, only, etcd)
                    .Set("spec", Json::Obj({{"minAvailable", 2},
                                            {"selector", Json::Obj({{"matchLabels", only}})}})));
  const Json& settings = etcd["spec"];
  for (int index = 1; index <= kEtcdMembers; ++index) {
    const std::string member = name + "-" + std::to_string(index);
    const Json own = Json(labels).Set("etcd.planetscale.com/index", std::to_string(index));
    out.push_back(Claim(member, own, etcd, settings["dataVolumeClaimTemplate"]));
    Json body = Json::Obj(
        {{"containers",
          Json::Arr({Container("etcd", settings["image"].AsString("quay.io/coreos/etcd:v3.5.17"),
                               settings["resources"], {{"client", 2379}, {"peer", 2380}})})},
         {"hostname", member},
         {"subdomain", name + "-peer"},
         {"priorityClassName", "vitess"}});
    MountClaim(body, member);
    Place(body, settings);
    out.push_back(PodOf(member, WithExtraLabels(own, settings), etcd, std::move(body)));
  }
  return out;
}

std::vector<Json> CellObjects(const ClusterSpec& spec, const Cell& cell, const Json& object) {
  const Json labels = Labels(spec, "vtgate").Set(kCell, cell.name);
  const std::string name = CellGateway(spec, cell.name);
  const Json& gateway = cell.spec["gateway"];
  Json deployment = DeploymentOf(name, labels, object, gateway["replicas"].AsInt(2),
                                 Container("vtgate", Image(spec, "vtgate"), gateway["resources"],
                                           {{"web", 15000}, {"grpc", 15999}, {"mysql", 3306}}),
                                 gateway);
  Json& body = deployment["spec"]["template"]["spec"];
  MountSecret(body, "static-auth", gateway.At("/authentication/static/secret"));
  const Json& tls = gateway.At("/secureTransport/tls");
  MountSecret(body, "tls-cert", tls["certSecret"]);
  MountSecret(body, "tls-key", tls["keySecret"]);
  return {ServiceOf(name, labels, object, GatewayPorts()), std::move(deployment)};
}

std::vector<Json> BackupStorageObjects(const ClusterSpec& spec, const Json& storage) {
  const Json labels = Labels(spec, "vbs-subcontroller").Set(kLocation, LabelOf(storage, kLocation));
  Json body = Json::Obj(
      {{"containers", Json::Arr({Container("vitess-operator", "planetscale/vitess-operator:v2.17.0",
                                           SubcontrollerResources(), {})})},
       {"priorityClassName", "vitess-operator-control-plane"}});
  const Json& account = spec.spec.At("/backup/subcontroller/serviceAccountName");
  if (account.is_string()) body.Set("serviceAccountName", account);
  MountBackups(body, storage.At("/spec/location"));
  return {PodOf(SubcontrollerName(storage), labels, storage, std::move(body))};
}

Json BackupObject(const ClusterSpec& spec, const Keyspace& keyspace, const Shard& shard,
                  const Json& storage, const BackupFile& file) {
  const std::string iso = FormatSeconds(file.start_ms);  // 2026-11-22T06:01:02Z
  const std::string date = iso.substr(0, 10),
                    time = iso.substr(11, 2) + iso.substr(14, 2) + iso.substr(17, 2);
  const std::string compact = date.substr(0, 4) + date.substr(5, 2) + date.substr(8, 2);
  char uid[16];
  std::snprintf(uid, sizeof uid, "%x", file.uid);
  Json status = Json::Obj({{"startTime", iso},
                           {"storageDirectory", keyspace.name + "/" + shard.range},
                           {"storageName", date + "." + time + "." + file.by}});
  if (file.end_ms > 0)
    status.Set("finishedTime", FormatSeconds(file.end_ms))
        .Set("complete", true)
        .Set("position", file.position.empty() ? "MySQL56/8f1e2a9c-1111-11ee-9a55-0242ac110005:1-1"
                                               : file.position)
        .Set("engine", file.engine.empty() ? spec.spec.At("/backup/engine").AsString("builtin")
                                           : file.engine);
  std::vector<std::string> parts{spec.name};
  const std::string& location = LabelOf(storage, kLocation);
  if (!location.empty()) parts.push_back(location);
  for (const std::string& part :
       {keyspace.name, shard.safe, compact + "-" + time, std::string(uid)})
    parts.push_back(part);
  return Owned(kGroup, "VitessBackup", JoinName(parts),
               Json::Obj({{kLocation, location},
                          {kClusterLabel, spec.name},
                          {kKeyspaceLabel, keyspace.name},
                          {kShardLabel, shard.safe}}),
               storage)
      .Set("spec", Json::MakeObject())
      .Set("status", std::move(status));
}

}  // namespace slipway::sim::operators::vitess
