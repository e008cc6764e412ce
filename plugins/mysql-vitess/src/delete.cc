#include "delete.h"

#include "sizes.h"

namespace vitess {

namespace {

constexpr const char* kFirst[] = {"VitessBackupSchedule"};
constexpr const char* kAfterwards[] = {
    "PodMonitor", "PodDisruptionBudget", "NetworkPolicy", "RoleBinding",
    "Role",       "ServiceAccount",      "LimitRange"};
constexpr const char* kLast[] = {"Secret"};

// The volumes carry no label of ours; their names are known.
std::optional<Judgement> LeftVolume(const Scene& scene) {
  const Database& database = scene.database;
  std::vector<std::string> names;
  const std::string etcd = JoinedName({database.name, "etcd"}, kEtcdNameMax);
  for (int i = 1; i <= kEtcdMembers; ++i) names.push_back(etcd + "-" + std::to_string(i));
  for (const KeyRange& range : database.shards) {
    for (size_t cell = 0; cell < database.cells.size(); ++cell) {
      for (int64_t i = 1; i <= database.TabletsIn(cell); ++i)
        names.push_back(JoinedName(
            {database.name, "vttablet", TabletAlias(database.cells[cell], kKeyspace, range, i)}));
    }
  }
  std::optional<Judgement> left;
  for (const std::string& name : names) {
    const Json* volume = scene.looks.Find("v1", "PersistentVolumeClaim", name);
    if (volume != nullptr && !volume->IsNull() && !left) left = StillThere(*volume, 60);
  }
  if (left) return left;
  if (scene.looks.Asks())
    return Judgement{"progressing", "WaitingForDeletion", "the volumes are looked up", 60,
                     scene.On("PersistentVolumeClaim", names.front(), "NotRead")};
  return std::nullopt;
}

}  // namespace

Judgement Deletion(const Scene& scene, const Json& inventory, Json& deletions) {
  if (auto schedules = DeleteAll(
          inventory, kFirst,
          {"progressing", "DeletingSchedule", "the backup schedules are being deleted", 0},
          deletions)) {
    return *schedules;
  }
  const auto clusters = OfKind(inventory, "VitessCluster");
  const Json* cluster = scene.observed.cluster;
  if (cluster == nullptr || !IsGoing(*cluster)) {
    for (const Json* ref : clusters) deletions.Push(Reference(*ref));
  }
  if (cluster != nullptr) return StillThere(*cluster, 20);
  if (!clusters.empty()) {
    return {"progressing", "DeletingCluster", "the VitessCluster is being deleted", 20,
            WaitingForReference(*clusters.front())};
  }
  if (!scene.observed.pods.empty()) return StillThere(*scene.observed.pods.front(), 50);
  if (auto volume = LeftVolume(scene)) return *volume;
  if (auto rest =
          DeleteAll(inventory, kAfterwards,
                    {"progressing", "DeletingRest", "the remaining objects are being deleted", 80},
                    deletions)) {
    return *rest;
  }
  if (auto secrets = DeleteAll(
          inventory, kLast, {"progressing", "DeletingSecrets", "the Secrets are being deleted", 90},
          deletions)) {
    return *secrets;
  }
  return {"ready", "Deleted", "nothing of the instance is left", 100, {}};
}

}  // namespace vitess
