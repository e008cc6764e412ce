#include <algorithm>
#include <chrono>

#include "devcluster/vitess/bucket_files.h"
#include "devcluster/vitess/mysql_runtime_impl.h"

// Backups. Each runs on one of the backups' threads.
namespace slipway::sim::operators::vitess {

namespace {

using Phase = MysqlRuntime::BackupState::Phase;

constexpr int64_t kStepMs = 120'000, kCopyMs = 600'000;
constexpr char kCaughtUp[] = "0", kCatchUpSeconds[] = "60";

// A position in the form of MySQL, which has sets where MariaDB has the last of each domain.
std::string PositionOf(const std::string& gtids) {
  return "MySQL56/8f1e2a9c-1111-11ee-9a55-0242ac110005:1-" +
         std::to_string(std::max<uint64_t>(GtidCount(gtids), 1));
}

}  // namespace

void MysqlRuntime::Impl::StartBackup(BackupRequest request) {
  const std::string key = request.key;
  {
    const std::lock_guard lock(mutex);
    if (stopping || backups.count(key) != 0) return;
    backups[key].phase = Phase::kRunning;
  }
  const auto work = [this, request = std::move(request)] {
    auto taken = TakeBackup(request);
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
      BackupState& state = backups[request.key];
      state.phase = taken ? Phase::kDone : Phase::kFailed;
      if (!taken) state.failure = taken.error().message;
    }
    if (on_change) on_change(request.ns, request.cluster);
  };
  if (backup_threads->Post(work)) return;
  const std::lock_guard lock(mutex);
  backups.erase(key);
}

MysqlRuntime::BackupState MysqlRuntime::Impl::GetBackup(const std::string& key) const {
  const std::lock_guard lock(mutex);
  const auto it = backups.find(key);
  return it == backups.end() ? BackupState() : it->second;
}

void MysqlRuntime::Impl::ForgetBackup(const std::string& key) {
  const std::lock_guard lock(mutex);
  backups.erase(key);
}

Result<void> MysqlRuntime::Impl::TakeBackup(const BackupRequest& request) {
  TRY_VOID(MakeBucketPath(request.directory, account));
  Json manifest = request.manifest;
  if (!request.source.empty()) {
    TRY(const std::string position, CopyPrimary(request));
    manifest.Set("Position", PositionOf(position));
  }
  manifest.Set("FinishedTime", FormatSeconds(clock.NowMs()));
  TRY_VOID(RunToEnd(ProgramOf({"/bin/sync", request.directory}), kCopyMs, stop_fd));
  return WriteFile(request.directory + "/MANIFEST", manifest.Dump(), account);
}

Result<std::string> MysqlRuntime::Impl::CopyPrimary(const BackupRequest& request) {
  const std::string copy = "backup-" + request.key;
  const auto source = [&] { return Copy(request.source).state; };
  TRY_VOID(WaitUntil("the primary's server does not answer",
                     [&] { return source().running && source().primary; }));
  Plan plan;
  plan.ns = request.ns;
  plan.cluster = request.cluster;
  plan.instance = copy;
  plan.upstream = request.source;
  const auto take = [&]() -> Result<std::string> {
    TRY_VOID(WaitUntil("cannot follow the primary", [&] {
      Want(copy, plan);
      return Copy(copy).state.running;
    }));
    const int port = Copy(copy).state.port;
    TRY(std::string position, Sql(source().port, "SELECT @@GLOBAL.gtid_binlog_pos;\n"));
    position = FirstLine(position);
    if (!position.empty()) {
      TRY(const std::string reached,
          Sql(port, "SELECT MASTER_GTID_WAIT('" + position + "', " + kCatchUpSeconds + ");\n",
              Form::kRows, kStepMs));
      if (FirstLine(reached) != kCaughtUp)
        return Error{Code::kInternal, "NotCaughtUp", "cannot catch up with the primary"};
    }
    TRY_VOID(Sql(port, MysqlForgetSql()));
    Stop(copy);
    TRY_VOID(
        WaitUntil("the server of the backup does not end", [&] { return Copy(copy).pid == 0; }));
    RemoveTree(request.directory + "/data");
    TRY_VOID(RunToEnd(ProgramOf({"/bin/cp", "-a", "--reflink=auto", "--sparse=always", Data(copy),
                                 request.directory + "/data"}),
                      kCopyMs, stop_fd));
    return position;
  };
  auto taken = take();
  Remove(copy);
  return taken;
}

Result<void> MysqlRuntime::Impl::WaitUntil(const std::string& what,
                                           const std::function<bool()>& done) {
  const int64_t deadline = clock.SteadyMs() + kStepMs;
  while (!done()) {
    std::unique_lock lock(mutex);
    if (stopping) return Error{Code::kCancelled, "Stopping", "the runtime stops"};
    if (clock.SteadyMs() > deadline) return Error{Code::kDeadline, "TooLong", what};
    changed.wait_for(lock, std::chrono::milliseconds(50), [this] { return stopping; });
  }
  return {};
}

}  // namespace slipway::sim::operators::vitess
