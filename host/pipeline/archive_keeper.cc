#include "pipeline/archive_keeper.h"

#include <algorithm>
#include <chrono>

#include "pipeline/archives.h"

namespace slipway::pipeline {
namespace {

constexpr std::chrono::seconds kPause{5}, kPauseAfterTrouble{30};
constexpr size_t kArchivesPerPage = 500, kObjectsPerRound = 5000;
// Twice what an hourly schedule leaves in thirty days; their manifest is far below its limit.
constexpr size_t kBackupsOfAManifest = 2000;

// The keys of an archive begin with it. An error when the folder is not where the host would put
// this instance's, such as after the store got another address.
Result<std::string> PrefixOf(const BackupStore& store, const store::ArchiveRecord& archive) {
  const auto plain = [](const std::string& text) {
    return !text.empty() && text.find_first_of("/.") == std::string::npos;
  };
  if (!plain(archive.organization) || !plain(archive.instance_id) ||
      archive.folder != FolderOf(store, archive.organization, archive.instance_id))
    return Error{
        Code::kInvalid, "FolderElsewhere",
        archive.folder + " is not in the store " + store.name + " as it is configured now"};
  return archive.organization + "/" + archive.instance_id + "/";
}

// True: the folder has the instance's manifest. False: it has none. An error: it has another's.
Result<bool> IsOurs(const store::ArchiveRecord& archive, bucket::Bucket& bucket,
                    const std::string& prefix) {
  const auto text = bucket.Get(prefix + kManifestName, kLargestManifest);
  if (!text && text.error().reason == "NoSuchObject") return false;
  if (!text) return text.error();
  TRY(const Manifest found, ReadManifest(*text));
  if (found.instance.id == archive.instance_id &&
      found.instance.organization == archive.organization)
    return true;
  return Error{Code::kInvalid, "NotOurs",
               archive.folder + " has the manifest of instance " + found.instance.id};
}

// Would every other archive of the store meet it? What is wrong with one folder, or with the rights
// to it, holds no other up.
bool IsOfTheStore(const Error& error) {
  return error.code != Code::kInvalid && error.code != Code::kForbidden &&
         error.code != Code::kExhausted;
}

}  // namespace

ArchiveKeeper::ArchiveKeeper(std::vector<BackupStore> stores, store::Store& store,
                             const Clock& clock, Logger& log, Metrics& metrics)
    : stores_(std::move(stores)), store_(store), clock_(clock), log_(log) {
  waiting_ = metrics.GetGauge("slipway_archives_waiting",
                              "Archives whose manifest or removal could not be done at the last "
                              "try.");
}

ArchiveKeeper::~ArchiveKeeper() {
  Stop();
}

void ArchiveKeeper::Start() {
  thread_ = std::thread([this] { Run(); });
}

void ArchiveKeeper::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ArchiveKeeper::Run() {
  while (!stopping_) {
    if (Round()) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, told_.empty() ? kPause : kPauseAfterTrouble,
                   [this] { return stopping_.load(); });
  }
}

bool ArchiveKeeper::Round() {
  Pass pass;
  std::string after;
  do {
    const auto archives = store_.ArchivesToKeep(clock_.NowMs(), after, kArchivesPerPage);
    if (!archives) {
      log_.Error("store.read_failed", {{"reason", archives.error().message}});
      return false;
    }
    for (const store::ArchiveRecord& archive : *archives) {
      if (stopping_) return false;
      Visit(archive, pass);
    }
    after = archives->size() < kArchivesPerPage ? "" : archives->back().instance_id;
  } while (!after.empty());
  waiting_.Set(static_cast<double>(told_.size()));
  return pass.more;
}

void ArchiveKeeper::Visit(const store::ArchiveRecord& archive, Pass& pass) {
  // One try of a store that refuses is enough.
  if (const auto refusing = pass.refusing.find(archive.store); refusing != pass.refusing.end())
    return Tell(archive, refusing->second);
  const auto kept = Keep(archive, pass.buckets);
  if (kept) {
    told_.erase(archive.instance_id);
    pass.more = pass.more || *kept;
  } else if (!stopping_) {
    Tell(archive, kept.error());
    if (IsOfTheStore(kept.error())) pass.refusing.emplace(archive.store, kept.error());
  }
}

// Once for each reason.
void ArchiveKeeper::Tell(const store::ArchiveRecord& archive, const Error& error) {
  if (std::exchange(told_[archive.instance_id], error.reason) == error.reason) return;
  log_.Warn("archive.waits", {{"instance", archive.instance_id},
                              {"store", archive.store},
                              {"folder", archive.folder},
                              {"reason", error.reason},
                              {"message", error.message}});
}

Result<bool> ArchiveKeeper::Keep(const store::ArchiveRecord& archive, Buckets& buckets) {
  TRY(const BackupStore* const store, FindStore(stores_, archive.store));
  TRY(const std::string prefix, PrefixOf(*store, archive));
  auto opened = buckets.find(archive.store);
  if (opened == buckets.end())
    opened =
        buckets
            .emplace(archive.store, OpenStore(*store, {.call_ms = 10'000, .cancelled = &stopping_}))
            .first;
  if (!opened->second) return opened->second.error();
  bucket::Bucket& bucket = **opened->second;
  const bool expired = archive.expires_ms != 0 && archive.expires_ms <= clock_.NowMs();
  // A folder without a manifest is never removed, so the first one is written even now.
  if (!expired || archive.manifest_revision == 0) TRY_VOID(WriteManifest(archive, bucket, prefix));
  if (!expired) return false;
  return Remove(archive, bucket, prefix);
}

// `archive` was read before the rows that the manifest tells of: what changed in between counts the
// revision up once more.
Result<void> ArchiveKeeper::WriteManifest(const store::ArchiveRecord& archive,
                                          bucket::Bucket& bucket, const std::string& prefix) {
  Manifest manifest;
  manifest.expires_ms = archive.expires_ms;
  TRY(manifest.instance, store_.GetInstance(archive.instance_id));
  store::BackupFilter filter;
  filter.instance_id = archive.instance_id;
  filter.state = "COMPLETED";  // no other can be restored
  filter.limit = kBackupsOfAManifest;
  TRY(manifest.backups, store_.ListBackups(filter));
  TRY_VOID(IsOurs(archive, bucket, prefix));
  TRY_VOID(bucket.Put(prefix + kManifestName, ManifestText(manifest)));
  return store_.ManifestWritten(archive.instance_id, std::max<int64_t>(archive.revision, 1));
}

// The manifest goes last, so a removal that was interrupted goes on.
Result<bool> ArchiveKeeper::Remove(const store::ArchiveRecord& archive, bucket::Bucket& bucket,
                                   const std::string& prefix) {
  TRY(const bool ours, IsOurs(archive, bucket, prefix));
  TRY(const bool begun, store_.BeginRemoval(archive.instance_id));
  if (!begun) return false;  // a restore reads it
  const std::string manifest = prefix + kManifestName;
  size_t removed = 0;
  std::string next;
  do {
    TRY(const bucket::Page page, bucket.List(prefix, next));
    for (const bucket::Object& object : page.objects) {
      if (object.key == manifest) continue;
      if (stopping_) return false;
      if (!ours)
        return Error{Code::kInvalid, "NoManifest",
                     archive.folder + " has objects, but no manifest that says whose"};
      TRY_VOID(bucket.Delete(object.key));
      if (++removed == kObjectsPerRound) return true;
    }
    next = page.next;
  } while (!next.empty());
  TRY_VOID(bucket.Delete(manifest));
  TRY_VOID(store_.ArchiveGone(archive.instance_id));
  log_.Info("archive.removed", {{"instance", archive.instance_id},
                                {"store", archive.store},
                                {"folder", archive.folder},
                                {"objects", static_cast<int64_t>(removed)}});
  return false;
}

}  // namespace slipway::pipeline
