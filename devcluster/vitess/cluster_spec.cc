#include "devcluster/vitess/cluster_spec.h"

#include <algorithm>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/names.h"

namespace slipway::sim::operators::vitess {

namespace {

Shard ParseShard(const ClusterSpec& spec, const Keyspace& keyspace, const std::string& range,
                 const Json& shard_spec) {
  Shard out;
  out.range = range;
  out.safe = SafeRange(range);
  out.spec = shard_spec;
  out.name = JoinName({spec.name, keyspace.name, out.safe});
  for (const Json& pool : shard_spec["tabletPools"].items()) {
    const std::string &cell = pool["cell"].AsString(), &type = pool["type"].AsString();
    if (std::find(out.cells.begin(), out.cells.end(), cell) == out.cells.end())
      out.cells.push_back(cell);
    for (int index = 1; index <= pool["replicas"].AsInt(); ++index) {
      Tablet tablet;
      tablet.uid = TabletUid(cell, keyspace.name, range, type, index);
      tablet.alias = TabletAlias(cell, tablet.uid);
      tablet.cell = cell;
      tablet.pool_type = type;
      tablet.index = index;
      tablet.name = JoinName({spec.name, "vttablet", tablet.alias});
      tablet.pool = pool;
      out.tablets.push_back(std::move(tablet));
    }
  }
  std::sort(out.cells.begin(), out.cells.end());
  return out;
}

void AddPartitioning(const ClusterSpec& spec, Keyspace& keyspace, const Json& partitioning) {
  std::vector<std::string> ranges;
  const auto add = [&](const std::string& range, const Json& shard) {
    keyspace.shards.push_back(ParseShard(spec, keyspace, range, shard));
    ranges.push_back(range);
  };
  if (const Json& equal = partitioning["equal"]; equal.is_object())
    for (const std::string& range : EqualRanges(equal["parts"].AsInt()))
      add(range, equal["shardTemplate"]);
  for (const Json& shard : partitioning.At("/custom/shards").items())
    add(shard.At("/keyRange/start").AsString() + "-" + shard.At("/keyRange/end").AsString(), shard);
  keyspace.partitionings.push_back(std::move(ranges));
}

}  // namespace

int64_t Keyspace::desired_tablets() const {
  int64_t out = 0;
  for (const Shard& shard : shards) out += static_cast<int64_t>(shard.tablets.size());
  return out;
}

Json ClusterSpec::etcd() const {
  const Json& wanted = spec.At("/globalLockserver/etcd");
  return wanted.is_object() ? wanted : Json::MakeObject();
}

std::vector<std::string> ClusterSpec::dashboard_cells() const {
  std::vector<std::string> out;
  for (const Json& cell : spec.At("/vitessDashboard/cells").items()) out.push_back(cell.AsString());
  if (out.empty())
    for (const Cell& cell : cells) out.push_back(cell.name);
  return out;
}

ClusterSpec ClusterSpec::Parse(const Json& cluster) {
  ClusterSpec out;
  out.name = NameOf(cluster);
  out.ns = NamespaceOf(cluster);
  out.uid = UidOf(cluster);
  out.fault = FaultOf(cluster);
  out.spec = cluster["spec"];
  out.own_etcd = !out.spec.At("/globalLockserver/external").is_object();
  out.has_backup = !out.spec.At("/backup/locations").items().empty();
  out.immediate = out.spec.At("/updateStrategy/type").AsString() == "Immediate";
  for (const Json& cell : out.spec["cells"].items()) {
    const std::string& name = cell["name"].AsString();
    out.cells.push_back({name, JoinName({out.name, name}), cell});
  }
  for (const Json& one : out.spec["keyspaces"].items()) {
    Keyspace keyspace;
    keyspace.name = one["name"].AsString();
    keyspace.object = JoinName({out.name, keyspace.name});
    keyspace.database = one["databaseName"].AsString("vt_" + keyspace.name);
    keyspace.spec = one;
    keyspace.immediate_turndown = one["turndownPolicy"].AsString() == "Immediate";
    for (const Json& partitioning : one["partitionings"].items())
      AddPartitioning(out, keyspace, partitioning);
    out.keyspaces.push_back(std::move(keyspace));
  }
  return out;
}

}  // namespace slipway::sim::operators::vitess
