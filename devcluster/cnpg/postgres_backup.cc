#include <algorithm>
#include <chrono>
#include <filesystem>

#include "devcluster/cnpg/archive_scripts.h"
#include "devcluster/cnpg/postgres_runtime_impl.h"

// Base backups. Each runs on one of the threads for backups. A directory gets its final name when
// it is complete; a directory with another name is the rest of an earlier backup.
namespace slipway::sim::operators::cnpg {

namespace {

constexpr int64_t kSecondMs = 1000, kCopyMs = 3'600'000, kLevelMs = 10'000;
constexpr char kNew[] = ".new";

// "20261122T010003", in UTC.
std::string BackupId(int64_t unix_ms) {
  std::string out;
  for (const char c : FormatTime(unix_ms).substr(0, 19))
    if ((c >= '0' && c <= '9') || c == 'T') out += c;
  return out;
}

// The word after the last `mark` in a program's output; "" without a mark.
std::string WordAfter(const std::string& output, const std::string& mark) {
  const size_t at = output.rfind(mark);
  if (at == std::string::npos) return "";
  const size_t begin = at + mark.size();
  return output.substr(begin, output.find_first_of(" \n", begin) - begin);
}

Error Failed(int status, const std::string& detail) {
  // The message becomes the `error` of the Backup, the field its `commandError`.
  Error error{Code::kInternal, "BackupFailed",
              PluginError("exit status " + std::to_string(status))};
  error.field = detail;
  return error;
}

}  // namespace

void PostgresRuntime::Impl::StartBackup(BackupRequest request) {
  const std::string key = request.key;
  {
    const std::lock_guard lock(mutex);
    if (stopping || backups.count(key) != 0) return;
    backups[key].phase = BackupState::Phase::kRunning;
  }
  const auto work = [this, request = std::move(request)] {
    auto taken = TakeBackup(request);
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
      BackupState& state = backups[request.key];
      state.phase = taken ? BackupState::Phase::kDone : BackupState::Phase::kFailed;
      if (taken) {
        state.base = *taken;
      } else {
        state.failure = taken.error().message;
        state.detail = taken.error().field;
        log.Info("sim.backup_failed",
                 {{"backup", request.name}, {"error", state.failure}, {"detail", state.detail}});
      }
    }
    if (on_backup) on_backup(request.ns, request.name);
  };
  if (backup_threads->Post(work)) return;
  const std::lock_guard lock(mutex);
  backups.erase(key);
}

PostgresRuntime::BackupState PostgresRuntime::Impl::GetBackup(const std::string& key) const {
  const std::lock_guard lock(mutex);
  const auto it = backups.find(key);
  return it == backups.end() ? BackupState() : it->second;
}

void PostgresRuntime::Impl::ForgetBackup(const std::string& key) {
  const std::lock_guard lock(mutex);
  backups.erase(key);
}

Result<BaseBackup> PostgresRuntime::Impl::TakeBackup(const BackupRequest& request) {
  if (!request.archive.refusal.empty())
    return Error{Code::kInternal, "BackupFailed", request.archive.refusal};
  const std::string store = StoreDirectory(request.archive.destination);
  const std::string bases = store + "/" + request.archive.server + "/base";
  MakeStore(store);
  std::error_code error;
  if (store.empty() || !std::filesystem::is_directory(store, error))
    return Failed(2, "there is no directory " + store);
  if (auto made = Run({"/bin/mkdir", "-p", bases}); !made) return Failed(2, made.error().message);
  for (const auto& entry : std::filesystem::directory_iterator(bases, error))
    if (!IsBackupId(entry.path().filename().string())) RemoveTree(entry.path().string());
  int64_t start = clock.NowMs();
  while (std::filesystem::exists(bases + "/" + BackupId(start), error)) start += kSecondMs;
  const std::string id = BackupId(start), work = bases + "/" + id + kNew;
  auto base = CopyData(request, work);
  if (base) {
    base->id = id;
    base->name = "backup-" + id.substr(0, 8) + id.substr(9);
    base->begin_ms = start;
    if (auto archived = WaitForArchive(request, *base); !archived)
      base = std::move(archived).error();
  }
  if (!base) {
    RemoveTree(work);
    return base;
  }
  if (auto written = WriteFile(work + "/backup.info", BackupInfo(*base), account); !written)
    return Failed(1, written.error().message);
  if (auto synced = Run({"/bin/sync", work + "/backup.info", work}); !synced)
    return Failed(1, synced.error().message);
  std::filesystem::rename(work, bases + "/" + id, error);
  if (error) return Failed(1, "cannot rename " + work + ": " + error.message());
  if (auto synced = Run({"/bin/sync", bases}); !synced) return Failed(1, synced.error().message);
  return base;
}

// A backup of a standby begins at the last checkpoint that the standby knows. That may be older
// than the archive, so the primary makes a new one, and we wait for a while until the standby has
// it.
Result<void> PostgresRuntime::Impl::LevelCheckpoint(const BackupRequest& request) {
  if (request.volume == request.primary_volume) return {};
  const int primary = Copy(request.primary_volume).state.port;
  const int standby = Copy(request.volume).state.port;
  TRY_VOID(Sql(primary, "postgres", "CHECKPOINT"));
  TRY(const std::string position, Sql(primary, "postgres", "SELECT pg_current_wal_lsn()"));
  const std::string question =
      "SELECT pg_last_wal_replay_lsn() >= " + Literal(position) + "::pg_lsn";
  const int64_t deadline = clock.SteadyMs() + kLevelMs;
  while (clock.SteadyMs() < deadline) {
    TRY(const std::string level, Sql(standby, "postgres", question));
    std::unique_lock lock(mutex);
    if (level == "t" || stopping) return {};
    changed.wait_for(lock, std::chrono::milliseconds(50), [this] { return stopping; });
  }
  return {};
}

Result<BaseBackup> PostgresRuntime::Impl::CopyData(const BackupRequest& request,
                                                   const std::string& directory) {
  const State source = Copy(request.volume).state;
  if (!source.running) return Failed(1, "the server of " + source.instance + " does not answer");
  if (auto level = LevelCheckpoint(request); !level) return Failed(1, level.error().message);
  // pg_basebackup streams the WAL beside the data, and we throw it away. Without the stream, the
  // server would wait for its archive without end; WaitForArchive() has a deadline.
  auto output =
      Output({Program("pg_basebackup"), "-h", root.sockets(), "-p", std::to_string(source.port),
              "-U", "postgres", "-D", directory, "-F", "tar", "-X", "stream", "-c", "fast", "-v",
              "--no-manifest", "-l", "Barman backup cloud " + request.name},
             kCopyMs);
  if (!output) return Failed(1, output.error().message);
  BaseBackup base;
  base.end_ms = clock.NowMs();
  base.begin_lsn = WordAfter(*output, "write-ahead log start point: ");
  base.end_lsn = WordAfter(*output, "write-ahead log end point: ");
  base.timeline = std::atoll(WordAfter(*output, " on timeline ").c_str());
  auto segment = Sql(source.port, "postgres",
                     "SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'");
  if (!segment) return Failed(1, segment.error().message);
  const uint64_t bytes = std::strtoull(segment->c_str(), nullptr, 10);
  if (bytes == 0 || base.end_lsn.empty()) return Failed(1, "cannot parse the output: " + *output);
  base.begin_wal = SegmentAt(base.timeline, ParseLsn(base.begin_lsn), bytes);
  base.end_wal = SegmentBefore(base.timeline, ParseLsn(base.end_lsn), bytes);
  std::error_code error;
  std::filesystem::remove(directory + "/pg_wal.tar", error);
  std::filesystem::rename(directory + "/base.tar", directory + "/data.tar", error);
  if (error) return Failed(1, "cannot rename base.tar: " + error.message());
  return base;
}

Result<void> PostgresRuntime::Impl::WaitForArchive(const BackupRequest& request,
                                                   const BaseBackup& base) {
  constexpr double kArchiveMs = 300'000, kLeastMs = 60'000;
  const std::string server =
      StoreDirectory(request.archive.destination) + "/" + request.archive.server + "/";
  if (request.volume != request.primary_volume) {
    auto switched =
        Sql(Copy(request.primary_volume).state.port, "postgres", "SELECT pg_switch_wal()");
    if (!switched) return Failed(1, switched.error().message);
  }
  const int64_t deadline =
      clock.SteadyMs() + static_cast<int64_t>(std::max(kLeastMs, kArchiveMs * options.pace));
  for (const std::string& wal : {base.begin_wal, base.end_wal}) {
    std::error_code error;
    while (!std::filesystem::exists(server + ArchivedPath(wal), error)) {
      std::unique_lock lock(mutex);
      if (changed.wait_for(lock, std::chrono::milliseconds(50), [this] { return stopping; }))
        return Error{Code::kCancelled, "Stopping", "the runtime stops"};
      if (clock.SteadyMs() > deadline) return Failed(1, "WAL " + wal + " was not archived in time");
    }
  }
  return {};
}

}  // namespace slipway::sim::operators::cnpg
