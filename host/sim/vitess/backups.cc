#include "sim/vitess/backups.h"

#include <algorithm>

#include "base/crypto.h"
#include "sim/operators/kubelet.h"
#include "sim/operators/objects_json.h"
#include "sim/vitess/object_parts.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr char kBucket[] = "sim.slipway.dev/bucket";
constexpr int64_t kListMs = 30'000;
constexpr size_t kKept = 100;

Json* StorageOf(ClusterPass& pass) {
  auto& storages = pass.All("VitessBackupStorage");
  return storages.empty() ? nullptr : &storages.front();
}

// An initial backup's pod that runs: the backup appears in the bucket, then the pod ends.
Result<void> PlayFirstBackup(ClusterPass& pass, Json& pod, Json& storage) {
  if (!pass.Due("backup-" + UidOf(pod), kJobMs)) return {};
  if (pass.spec.fault == "bad-bucket") {
    const bool restarted = pod.At("/status/containerStatuses/0/restartCount").AsInt() > 0;
    pass.EventOnce(storage, "Warning", "ListFailed",
                   "failed to list backups: NoSuchBucket: The specified bucket does not exist");
    return restarted ? Result<void>() : SetReady(pass, pod, false);
  }
  const uint32_t uid = WriterUid(pod);
  const int64_t start = ParseTime(pod.At("/status/startTime").AsString());
  TRY_VOID(WriteBucket(pass, storage,
                       {LabelOf(pod, kKeyspaceLabel),
                        LabelOf(pod, kShardLabel),
                        {start, pass.now(), "vtbackup-" + std::to_string(uid), uid}}));
  return SetEnded(pass, pod, "");
}

// The subcontroller: what it lists becomes VitessBackups.
Result<void> PlayReader(ClusterPass& pass, Json& storage) {
  const std::vector<BucketEntry> entries = ReadBucket(storage);
  const std::string listed = Sha256Hex(AnnotationOf(storage, kBucket)).substr(0, 16);
  if (!pass.Due("list-" + listed, kListMs)) return {};
  for (const ShardView& view : ShardsOf(pass)) {
    for (const BucketEntry& entry : entries) {
      if (entry.keyspace != view.keyspace.name || entry.shard != view.shard.safe) continue;
      const Json wanted = BackupObject(pass.spec, view.keyspace, view.shard, storage, entry.file);
      Json* found = pass.Find("VitessBackup", NameOf(wanted));
      if (found != nullptr) {
        TRY_VOID(pass.PatchObject(*found, Json::Obj({{"status", wanted["status"]}})));
        continue;
      }
      auto made = pass.CreateObject(wanted);
      if (!made) return std::move(made).error();
    }
  }
  Json status = Json::Obj({{"observedGeneration", storage["metadata"]["generation"].AsInt()}});
  if (!entries.empty()) status.Set("totalBackupCount", static_cast<int64_t>(entries.size()));
  return pass.PutStatusOf(storage, std::move(status));
}

}  // namespace

std::vector<BucketEntry> ReadBucket(const Json& storage) {
  std::vector<BucketEntry> out;
  const auto list = Json::Parse(AnnotationOf(storage, kBucket));
  if (!list) return out;
  for (const Json& one : list->items())
    out.push_back({one["keyspace"].AsString(),
                   one["shard"].AsString(),
                   {one["start"].AsInt(), one["end"].AsInt(), one["by"].AsString(),
                    static_cast<uint32_t>(one["uid"].AsInt())}});
  return out;
}

Result<void> WriteBucket(Pass& pass, Json& storage, const BucketEntry& entry) {
  std::vector<BucketEntry> entries = ReadBucket(storage);
  std::erase_if(entries, [&](const BucketEntry& one) { return one.SameAs(entry); });
  entries.push_back(entry);
  if (entries.size() > kKept) entries.erase(entries.begin());
  Json list = Json::MakeArray();
  for (const BucketEntry& one : entries)
    list.Push(Json::Obj({{"keyspace", one.keyspace},
                         {"shard", one.shard},
                         {"start", one.file.start_ms},
                         {"end", one.file.end_ms},
                         {"by", one.file.by},
                         {"uid", one.file.uid}}));
  return pass.PatchObject(
      storage,
      Json::Obj({{"metadata", Json::Obj({{"annotations", Json::Obj({{kBucket, list.Dump()}})}})}}));
}

bool BackupInBucket(ClusterPass& pass, const ShardView& view) {
  const Json* storage = StorageOf(pass);
  if (storage == nullptr || pass.spec.fault == "bad-bucket") return false;
  const std::vector<BucketEntry> entries = ReadBucket(*storage);
  return std::any_of(entries.begin(), entries.end(), [&](const BucketEntry& entry) {
    return entry.keyspace == view.keyspace.name && entry.shard == view.shard.safe &&
           entry.file.end_ms > 0;
  });
}

uint32_t WriterUid(const Json& pod) {
  uint32_t hash = 2166136261U;
  for (const char c : UidOf(pod)) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

Result<void> PlayBackups(ClusterPass& pass) {
  Json* storage = StorageOf(pass);
  if (storage == nullptr) return {};
  for (Json& pod : pass.All("Pod"))
    if (LabelOf(pod, "backup.planetscale.com/type") == "init" && PodRunning(pod) &&
        PodActive(pod) && pass.LockserverAnswers())
      TRY_VOID(PlayFirstBackup(pass, pod, *storage));
  const Json* reader = pass.Find("Pod", SubcontrollerName(*storage));
  if (reader == nullptr || !PodReady(*reader) || pass.spec.fault == "bad-bucket" || pass.changed)
    return {};
  return PlayReader(pass, *storage);
}

}  // namespace slipway::sim::operators::vitess
