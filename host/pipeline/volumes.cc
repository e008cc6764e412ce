#include "pipeline/volumes.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "pipeline/effects.h"

namespace slipway::pipeline {

bool RetainsVolumes(const store::OperationRecord& operation) {
  const auto arguments = Json::Parse(operation.arguments);
  return arguments && (*arguments)["retain_volumes"].AsBool();
}

std::string ClaimsSelector(const Json& description, const store::InstanceRecord& instance) {
  std::string out = description["claims_selector"].AsString();
  for (const auto& [word, value] :
       {std::pair("${name}", instance.name), std::pair("${id}", instance.id)}) {
    if (const size_t at = out.find(word); at != std::string::npos)
      out.replace(at, std::string_view(word).size(), value);
  }
  return out;
}

Result<void> RetainVolumes(Tick& tick) {
  kube::ListOptions options;
  options.label_selector = ClaimsSelector(tick.engine().description(), tick.instance());
  TRY(const kube::ObjectList claims,
      tick.deps().cluster.List("v1", "PersistentVolumeClaim", tick.instance().ns, options));
  Json& remnants = tick.operation().remnants;
  const size_t before = remnants.items().size();
  for (const Json& claim : claims.items) {
    const std::string name = claim.At("/spec/volumeName").AsString();
    if (name.empty()) continue;  // never bound: there is no data
    const kube::ObjectRef volume{"v1", "PersistentVolume", "", name};
    TRY(const Json found, GetOrNull(tick.deps().cluster, volume));
    if (found.is_null()) continue;  // lost by somebody else
    constexpr char kPolicy[] = "persistentVolumeReclaimPolicy";
    if (found["spec"][kPolicy].AsString() != "Retain")
      TRY_VOID(tick.deps().cluster.Patch(volume, kube::PatchType::kMerge,
                                         Json::Obj({{"spec", Json::Obj({{kPolicy, "Retain"}})}}),
                                         ""));
    const Json remnant =
        Json::Obj({{"apiVersion", "v1"}, {"kind", "PersistentVolume"}, {"name", name}});
    const auto& known = std::as_const(remnants).items();
    if (std::find(known.begin(), known.end(), remnant) == known.end()) remnants.Push(remnant);
  }
  if (remnants.items().size() == before) return {};
  return tick.CommitIntent();
}

}  // namespace slipway::pipeline
