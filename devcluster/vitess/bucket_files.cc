#include "devcluster/vitess/bucket_files.h"

#include <algorithm>
#include <filesystem>

#include "base/clock.h"
#include "devcluster/operators/files.h"
#include "devcluster/vitess/vitess_lines.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr size_t kTimeLength = sizeof "2026-11-22.060102" - 1;
constexpr const char* kRootFlags[] = {"file_backup_storage_root", "s3_backup_storage_root",
                                      "s3_backup_storage_bucket", "s3_backup_aws_region",
                                      "s3_backup_aws_endpoint",   "s3_backup_force_path_style"};

const Json& FlagsOf(const Tablet& tablet) {
  return tablet.pool.At("/vttablet/extraFlags");
}

std::string Join(const std::string& first, std::initializer_list<std::string> more) {
  std::filesystem::path out = first;
  for (const std::string& part : more)
    if (!part.empty()) out /= std::filesystem::path(part).relative_path();
  return out.lexically_normal().string();
}

// The directory of this machine behind a path in the tablet's container; "" for none.
std::string BehindMount(const Json& pool, const std::string& path) {
  for (const Json& mount : pool["extraVolumeMounts"].items()) {
    const std::string& at = mount["mountPath"].AsString();
    if (path != at && path.rfind(at + "/", 0) != 0) continue;
    for (const Json& volume : pool["extraVolumes"].items())
      if (volume["name"] == mount["name"] && volume.At("/hostPath/path").is_string())
        return Join(volume.At("/hostPath/path").AsString(),
                    {mount["subPath"].AsString(), path.substr(at.size())});
  }
  return "";
}

}  // namespace

std::string BucketRoot(const ClusterSpec& spec, const std::string& buckets) {
  if (!spec.has_backup) return "";
  const Json& location = spec.spec.At("/backup/locations/0");
  if (const Json& path = location.At("/volume/hostPath/path"); path.is_string())
    return Join(path.AsString(), {location["volumeSubPath"].AsString(), spec.name});
  const Json& s3 = location["s3"];
  return Join(buckets, {s3["bucket"].AsString("bucket"), s3["keyPrefix"].AsString(""), spec.name});
}

std::optional<std::string> RootByFlags(const ClusterSpec& spec, const Tablet& tablet,
                                       const std::string& buckets) {
  const Json& flags = FlagsOf(tablet);
  if (flags.Has("file_backup_storage_root"))
    return BehindMount(tablet.pool, flags["file_backup_storage_root"].AsString());
  if (!flags.Has("s3_backup_storage_root")) return {};
  const std::string& own = spec.spec.At("/backup/locations/0/s3/bucket").AsString();
  return Join(buckets, {flags["s3_backup_storage_bucket"].AsString(own),
                        flags["s3_backup_storage_root"].AsString()});
}

Tablet WithoutRootFlags(Tablet tablet) {
  Json flags = FlagsOf(tablet);
  if (!flags.is_object()) return tablet;
  for (const char* flag : kRootFlags) flags.Erase(flag);
  tablet.pool.SetAt("/vttablet/extraFlags", std::move(flags));
  return tablet;
}

Result<std::vector<BucketEntry>> ListBucket(const std::string& root, const ClusterSpec& spec) {
  std::vector<BucketEntry> out;
  std::error_code error;
  if (!std::filesystem::is_directory(root, error))
    return Error{Code::kNotFound, "NoBucket", "open " + root + ": no such directory"};
  for (const Keyspace& keyspace : spec.keyspaces) {
    for (const Shard& shard : keyspace.shards) {
      const std::filesystem::path directory = BackupDirectory(root, keyspace, shard, "");
      for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        BackupFile file = ParseBackup(entry.path().filename(), ReadFile(entry.path() / "MANIFEST"));
        if (file.start_ms > 0) out.push_back({keyspace.name, shard.safe, std::move(file)});
      }
    }
  }
  std::sort(out.begin(), out.end(), [](const BucketEntry& a, const BucketEntry& b) {
    return a.file.start_ms < b.file.start_ms;
  });
  return out;
}

std::string BackupName(int64_t start_ms, const std::string& writer) {
  std::string time = FormatSeconds(start_ms).substr(0, kTimeLength + 2);  // …T06:01:02
  std::erase(time, ':');
  time[10] = '.';
  return time + "." + writer;
}

std::string BackupDirectory(const std::string& root, const Keyspace& keyspace, const Shard& shard,
                            const std::string& name) {
  return Join(root, {keyspace.name, shard.range, name});
}

std::string FindBackup(const std::string& root, const Keyspace& keyspace, const Shard& shard,
                       const Tablet& tablet) {
  std::string until, best;
  for (const auto& [flag, value] : FlagsOf(tablet).members())
    if (flag == "restore-from-backup-ts" || flag == "restore_from_backup_ts")
      until = value.AsString();
  std::error_code error;
  const std::filesystem::path directory = BackupDirectory(root, keyspace, shard, "");
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename();
    const BackupFile file = ParseBackup(name, ReadFile(entry.path() / "MANIFEST"));
    const bool early = until.empty() || name.substr(0, kTimeLength) <= until;
    if (file.end_ms > 0 && !file.incremental && early) best = std::max(best, name);
  }
  return best.empty() ? "" : BackupDirectory(root, keyspace, shard, best);
}

Result<void> MakeBucketPath(const std::string& path, const Account& account) {
  std::error_code error;
  if (path.size() < 2 || std::filesystem::is_directory(path, error)) return {};
  TRY_VOID(MakeBucketPath(std::filesystem::path(path).parent_path().string(), account));
  if (std::filesystem::create_directory(path, error)) return account.Own(path);
  if (std::filesystem::is_directory(path, error)) return {};  // another run was faster
  return Error{Code::kInternal, "MakeDirectoryFailed",
               "mkdir " + path + ": " + (error ? error.message() : "Not a directory")};
}

Result<void> RemoveBackupFiles(const std::string& directory) {
  RemoveTree(directory + "/MANIFEST");
  RemoveTree(directory);
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return {};
  return Error{Code::kInternal, "RemoveFailed", "cannot remove " + directory};
}

}  // namespace slipway::sim::operators::vitess
