#include "devcluster/vitess/backups.h"

#include <algorithm>
#include <set>

#include "base/crypto.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/bucket_files.h"
#include "devcluster/vitess/client_jobs.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/servers.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr char kBucket[] = "sim.slipway.dev/bucket";
constexpr int64_t kListMs = 30'000;
constexpr size_t kKept = 100;

Json ListOf(const std::vector<BucketEntry>& entries) {
  Json list = Json::MakeArray();
  for (const BucketEntry& one : entries)
    list.Push(Json::Obj({{"keyspace", one.keyspace},
                         {"shard", one.shard},
                         {"start", one.file.start_ms},
                         {"end", one.file.end_ms},
                         {"by", one.file.by},
                         {"uid", one.file.uid},
                         {"engine", one.file.engine}}));
  return list;
}

Result<void> PutBucket(Pass& pass, Json& storage, const std::vector<BucketEntry>& entries) {
  return pass.PatchObject(
      storage,
      Json::Obj({{"metadata",
                  Json::Obj({{"annotations", Json::Obj({{kBucket, ListOf(entries).Dump()}})}})}}));
}

Json* StorageOf(ClusterPass& pass) {
  auto& storages = pass.All("VitessBackupStorage");
  return storages.empty() ? nullptr : &storages.front();
}

// Lets a program write the initial backup. Returns nothing where no program runs.
std::optional<Result<void>> RunFirstBackup(ClusterPass& pass, Json& pod) {
  const Json* claim = pass.Find("PersistentVolumeClaim", NameOf(pod));
  for (const ShardView& view : ShardsOf(pass)) {
    if (claim == nullptr || LabelOf(pod, kKeyspaceLabel) != view.keyspace.name ||
        LabelOf(pod, kShardLabel) != view.shard.safe)
      continue;
    std::string failure;
    BackupRun run{pass.spec, view.keyspace, view.shard, UidOf(*claim), true};
    run.start_ms = ParseTime(pod.At("/status/startTime").AsString());
    run.by = "vtbackup-" + std::to_string(WriterUid(pod));
    const auto ended = pass.env.servers->Backup(pass, run, failure);
    if (!ended) return {};
    if (!*ended) return Result<void>();
    if (failure.empty()) return SetEnded(pass, pod, "");
    pass.EventOnce(pod, "Warning", "BackOff", failure);
    return SetReady(pass, pod, false);
  }
  return {};
}

// Plays the running pod of an initial backup: the backup appears in the bucket, then the pod ends.
Result<void> PlayFirstBackup(ClusterPass& pass, Json& pod, Json& storage) {
  if (auto run = RunFirstBackup(pass, pod)) return *std::move(run);
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

// Plays the subcontroller, which makes a VitessBackup for each entry of its list.
Result<void> PlayReader(ClusterPass& pass, Json& storage) {
  std::vector<BucketEntry> entries;
  if (auto bucket = pass.env.servers->Bucket(pass.spec); !bucket) {
    entries = ReadBucket(storage);
  } else if (*bucket) {
    entries = **std::move(bucket);
  } else if (!pass.All("VitessBackup").empty()) {
    pass.EventOnce(storage, "Warning", "ListFailed",
                   "failed to list backups: " + bucket->error().message);
    return {};
  }
  const std::string listed = Sha256Hex(ListOf(entries).Dump()).substr(0, 16);
  if (!pass.Due("list-" + listed, kListMs)) return {};
  std::set<std::string> listed_names;
  for (const ShardView& view : ShardsOf(pass)) {
    for (const BucketEntry& entry : entries) {
      if (entry.keyspace != view.keyspace.name || entry.shard != view.shard.safe) continue;
      const Json wanted = BackupObject(pass.spec, view.keyspace, view.shard, storage, entry.file);
      listed_names.insert(NameOf(wanted));
      Json* found = pass.Find("VitessBackup", NameOf(wanted));
      if (found != nullptr) {
        TRY_VOID(pass.PatchObject(*found, Json::Obj({{"status", wanted["status"]}})));
        continue;
      }
      auto made = pass.CreateObject(wanted);
      if (!made) return std::move(made).error();
    }
  }
  for (const Json& gone : pass.All("VitessBackup"))
    if (listed_names.count(NameOf(gone)) == 0 && !BeingDeleted(gone))
      TRY_VOID(pass.DeleteObject(gone));
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
                    static_cast<uint32_t>(one["uid"].AsInt()), "", one["engine"].AsString()}});
  return out;
}

Result<void> WriteBucket(Pass& pass, Json& storage, const BucketEntry& entry) {
  std::vector<BucketEntry> entries = ReadBucket(storage);
  std::erase_if(entries, [&](const BucketEntry& one) { return one.SameAs(entry); });
  entries.push_back(entry);
  if (entries.size() > kKept) entries.erase(entries.begin());
  return PutBucket(pass, storage, entries);
}

Result<void> EraseFromBucket(Pass& pass, Json& storage, const std::string& keyspace,
                             const std::string& shard, const std::string& name) {
  std::vector<BucketEntry> entries = ReadBucket(storage);
  std::erase_if(entries, [&](const BucketEntry& one) {
    return one.keyspace == keyspace && one.shard == shard &&
           BackupName(one.file.start_ms, one.file.by) == name;
  });
  return PutBucket(pass, storage, entries);
}

bool BackupFor(ClusterPass& pass, const ShardView& view, const Tablet& tablet) {
  const Json* storage = StorageOf(pass);
  if (storage == nullptr || pass.spec.fault == "bad-bucket") return false;
  if (const auto finds = pass.env.servers->FindsBackup(view, pass.spec, tablet)) return *finds;
  if (RootByFlags(pass.spec, tablet, "")) return true;  // nobody knows what other buckets have
  const std::vector<BucketEntry> entries = ReadBucket(*storage);
  return std::any_of(entries.begin(), entries.end(), [&](const BucketEntry& entry) {
    return entry.keyspace == view.keyspace.name && entry.shard == view.shard.safe &&
           entry.file.end_ms > 0;
  });
}

Result<const Tablet*> WriterFor(const Pass& pass, const ClusterSpec& spec, const Shard& shard,
                                const Json& flags) {
  TRY(const Json object, pass.kube().Get({kGroup, "VitessShard", spec.ns, shard.name}));
  const std::string primary = Topology::Of(object).primary;
  const bool may = flags.Has("allow-primary") || flags.Has("allow_primary");
  const Tablet* chosen = nullptr;
  for (const Tablet& tablet : shard.tablets) {
    const bool leads = tablet.alias == primary;
    if (leads ? may && chosen == nullptr : chosen == nullptr || chosen->alias == primary)
      chosen = &tablet;
  }
  if (chosen != nullptr) return chosen;
  return Error{Code::kPrecondition, "NoTablet",
               "rpc error: code = FailedPrecondition desc = no tablet available for backup"};
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
  TRY_VOID(PlayClientJobs(pass, *storage));
  const Json* reader = pass.Find("Pod", SubcontrollerName(*storage));
  if (reader == nullptr || !PodReady(*reader) || pass.spec.fault == "bad-bucket" || pass.changed)
    return {};
  return PlayReader(pass, *storage);
}

}  // namespace slipway::sim::operators::vitess
