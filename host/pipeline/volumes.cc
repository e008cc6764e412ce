#include "pipeline/volumes.h"

#include <algorithm>

#include "pipeline/effects.h"

namespace slipway::pipeline {
namespace {

// The null value when there is no such object.
Result<Json> GetOrNull(const TickDeps& deps, const kube::ObjectRef& ref) {
  auto found = deps.cluster.Get(ref);
  if (found) return found;
  TRY(const bool gone, SaysGone(deps.cluster, found.error()));
  if (gone) return Json();
  return std::move(found).error();
}

}  // namespace

bool RetainsVolumes(const store::OperationRecord& operation) {
  const auto spec = Json::Parse(operation.spec);
  return operation.verb == "delete" && spec && (*spec)["retain_volumes"].AsBool();
}

bool WatchesVolumes(const Json& description) {
  const auto& watches = description["watches"].items();
  return std::any_of(watches.begin(), watches.end(), [](const Json& watch) {
    return watch["kind"].AsString() == "PersistentVolumeClaim";
  });
}

Result<void> RetainVolumes(const TickDeps& deps, TickContext& context) {
  std::vector<kube::Informer::ObjectPtr> objects;
  if (!deps.observer.CollectAll(context.instance.id, objects))
    return Error{Code::kPrecondition, "CacheNotSynced", "a watched kind has not been listed yet"};
  Json& remnants = context.operation.remnants;
  const size_t before = remnants.items().size();
  for (const auto& object : objects) {
    if (object->ref.kind != "PersistentVolumeClaim") continue;
    TRY(const Json claim, GetOrNull(deps, object->ref));
    const std::string name = claim.At("/spec/volumeName").AsString();
    if (name.empty()) continue;  // never bound: there is no data
    const kube::ObjectRef volume{"v1", "PersistentVolume", "", name};
    TRY(const Json found, GetOrNull(deps, volume));
    if (found.is_null()) continue;  // lost by somebody else
    constexpr char kPolicy[] = "persistentVolumeReclaimPolicy";
    if (found["spec"][kPolicy].AsString() != "Retain")
      TRY_VOID(deps.cluster.Patch(volume, kube::PatchType::kMerge,
                                  Json::Obj({{"spec", Json::Obj({{kPolicy, "Retain"}})}}), ""));
    const Json remnant =
        Json::Obj({{"apiVersion", "v1"}, {"kind", "PersistentVolume"}, {"name", name}});
    const auto& known = std::as_const(remnants).items();
    if (std::find(known.begin(), known.end(), remnant) == known.end()) remnants.Push(remnant);
  }
  if (remnants.items().size() == before) return {};
  store::Change change = std::move(context.pending);
  context.pending = {};
  change.operation = context.operation;
  return deps.store.Commit(std::move(change));
}

}  // namespace slipway::pipeline
