#include <algorithm>
#include <filesystem>

#include "devcluster/cnpg/object_stores.h"
#include "devcluster/cnpg/pass.h"
#include "devcluster/cnpg/retention.h"
#include "devcluster/operators/files.h"
#include "devcluster/operators/objects_json.h"

// The instance manager of the primary reports the state of the archive; the plugin of the primary
// enforces the retention policy.
namespace slipway::sim::operators::cnpg {

namespace {

constexpr int64_t kIntervalSeconds = 1800, kSecondMs = 1000;

// Renames the base first: when a kill interrupts the removal, the rest no longer counts as a base.
void RemoveBase(const std::string& bases, const std::string& id) {
  std::error_code error;
  std::filesystem::rename(bases + "/" + id, bases + "/" + id + ".gone", error);
  RemoveTree(bases + "/" + id + ".gone");
}

void RemoveSegments(const std::string& wals, const std::string& first_segment) {
  std::error_code error;
  for (const auto& directory : std::filesystem::directory_iterator(wals, error)) {
    if (!directory.is_directory(error)) continue;
    for (const auto& file : std::filesystem::directory_iterator(directory.path(), error))
      if (BeforeSegment(file.path().filename().string(), first_segment))
        std::filesystem::remove(file.path(), error);
    std::filesystem::remove(directory.path(), error);  // fails unless the directory is empty
  }
}

// Deletes the Backup objects of the Cluster whose data is gone.
Result<void> RemoveBackups(Pass& pass, const std::vector<BaseBackup>& bases) {
  TRY(const kube::ObjectList all, pass.env.kube.List(kGroup, "Backup", pass.spec.ns, {}));
  for (const Json& backup : all.items) {
    const std::string& id = backup.At("/status/backupId").AsString();
    const bool ours = backup.At("/spec/cluster/name").AsString() == pass.spec.name &&
                      backup.At("/spec/method").AsString() == "plugin" &&
                      backup.At("/status/phase").AsString() == "completed";
    const bool kept = std::any_of(bases.begin(), bases.end(),
                                  [&](const BaseBackup& base) { return base.id == id; });
    if (ours && !kept) TRY_VOID(pass.DeleteObject(backup));
  }
  return {};
}

}  // namespace

Result<void> ReportArchiving(Pass& pass, const std::string& volume) {
  PostgresRuntime::State state;
  const bool archives = pass.env.runtime != nullptr && pass.spec.archives;
  if (archives) state = pass.env.runtime->Get(volume);
  if (archives && !state.archive_known) return {};
  const bool failing = archives && state.archive_failing;
  Json conditions = pass.status()["conditions"];
  SetCondition(conditions, "ContinuousArchiving", !failing,
               failing ? "ContinuousArchivingFailing" : "ContinuousArchivingSuccess",
               failing ? state.archive_failure : "Continuous archiving is working", pass.now());
  return pass.PatchStatus(Json::Obj({{"conditions", std::move(conditions)}}));
}

Result<void> ApplyRetention(Pass& pass) {
  const PostgresRuntime::Archive& archive = pass.memory.archive;
  if (pass.env.runtime == nullptr || !archive || !archive.refusal.empty()) return {};
  auto store = pass.env.kube.Get(
      {"barmancloud.cnpg.io/v1", "ObjectStore", pass.spec.ns, pass.spec.object_store});
  if (!store) return {};
  const int64_t window = RetentionWindow(store->At("/spec/retentionPolicy").AsString());
  const int64_t interval =
      store->At("/spec/instanceSidecarConfiguration/retentionPolicyIntervalSeconds")
          .AsInt(kIntervalSeconds);
  if (window == 0 || !pass.Due("retention", interval * kSecondMs)) return {};
  pass.Reset("retention");
  if (pass.env.pace > 0) pass.Due("retention", interval * kSecondMs);
  const std::string server =
      pass.env.runtime->StoreDirectory(archive.destination) + "/" + archive.server;
  std::error_code error;
  if (!std::filesystem::is_directory(server + "/base", error)) return {};
  const Retention gone = WhatToRemove(ListBases(server), pass.now(), window);
  for (const std::string& id : gone.bases) RemoveBase(server + "/base", id);
  RemoveSegments(server + "/wals", gone.first_segment);
  TRY_VOID(RemoveBackups(pass, ListBases(server)));
  if (gone.bases.empty()) return {};
  return WriteRecoveryWindow(pass.env, pass.spec.ns, pass.spec.object_store, archive, "", "");
}

}  // namespace slipway::sim::operators::cnpg
