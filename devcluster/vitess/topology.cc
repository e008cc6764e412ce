#include "devcluster/vitess/topology.h"

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr char kTopology[] = "sim.slipway.dev/topology";

}  // namespace

Topology Topology::Of(const Json& shard) {
  Topology out;
  const auto record = Json::Parse(AnnotationOf(shard, kTopology));
  if (!record) return out;
  out.primary = (*record)["primary"].AsString();
  for (const auto& [alias, type] : (*record)["tablets"].members())
    out.tablets[alias] = type.AsString();
  return out;
}

std::string Topology::TypeOf(const std::string& alias) const {
  const auto found = tablets.find(alias);
  if (found == tablets.end()) return "";
  return alias == primary ? "primary" : found->second;
}

Json Topology::Patch() const {
  Json types = Json::MakeObject();
  for (const auto& [alias, type] : tablets) types.Set(alias, type);
  const Json record = Json::Obj({{"primary", primary}, {"tablets", std::move(types)}});
  return Json::Obj(
      {{"metadata", Json::Obj({{"annotations", Json::Obj({{kTopology, record.Dump()}})}})}});
}

}  // namespace slipway::sim::operators::vitess
