#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <signal.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "devcluster/cnpg/archive_scripts.h"
#include "devcluster/cnpg/postgres_runtime_impl.h"

// Continuous archiving. PostgreSQL calls the script beside its data directory, and a thread of ours
// reads the result of the last call.
namespace slipway::sim::operators::cnpg {

namespace {

constexpr mode_t kPrivate = 0700;
constexpr int64_t kNotedSeconds = 5;

// The inode, size and time of a file: they differ once it is replaced. "" when there is no file.
std::string Signature(const std::string& path) {
  struct stat info {};

  if (stat(path.c_str(), &info) != 0) return "";
  return std::to_string(info.st_ino) + "/" + std::to_string(info.st_size) + "/" +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

// Seconds since a file was written; 0 when there is no file.
int64_t Age(const std::string& path) {
  struct stat info {};

  return stat(path.c_str(), &info) != 0 ? 0 : time(nullptr) - info.st_mtim.tv_sec;
}

// True for an absolute path without any "..".
bool Plain(const std::string& path) {
  for (const auto& part : std::filesystem::path(path))
    if (part == "..") return false;
  return !path.empty() && path[0] == '/';
}

Result<void> WriteWhenOther(const std::string& path, const std::string& text,
                            const Account& account) {
  return ReadFile(path) == text ? Result<void>() : WriteFile(path, text, account);
}

}  // namespace

// A server whose data goes still archives its last segment, as in a real cluster, where the pod
// ends before its volume. So it gets the signal that lets it archive.
int PostgresRuntime::Impl::LastSignal(const PostgresSlot& slot) const {
  return slot.planned && slot.plan.archive ? signals.smart : signals.fast;
}

std::string PostgresRuntime::Impl::StoreDirectory(const std::string& destination) const {
  constexpr char kScheme[] = "://";
  const size_t scheme = destination.find(kScheme);
  if (scheme == std::string::npos) return "";
  const std::string rest = destination.substr(scheme + sizeof kScheme - 1);
  const bool file = destination.compare(0, scheme, "file") == 0;
  std::string path = file ? rest : root.path() + "/object-stores/" + rest;
  if (rest.empty() || !Plain(path)) return "";
  path = std::filesystem::path(path).lexically_normal().string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

void PostgresRuntime::Impl::MakeStore(const std::string& directory) const {
  const std::string marks = root.path() + "/object-stores-made";
  const std::string mark = marks + "/" + Sha256Hex(directory).substr(0, 32);
  std::error_code error;
  if (directory.empty() || std::filesystem::exists(mark, error)) return;
  for (size_t slash = 1; slash != std::string::npos;) {
    slash = directory.find('/', slash);
    const std::string part = directory.substr(0, slash);
    if (mkdir(part.c_str(), kPrivate) == 0) {
      if (auto owned = account.Own(part); !owned)
        log.Warn("sim.store_not_owned", {{"error", owned.error().message}});
    }
    if (slash != std::string::npos) ++slash;
  }
  if (!std::filesystem::is_directory(directory, error)) return;  // the archiver reports it
  if (!account.CanReach(directory)) log.Warn("sim.store_not_reachable", {{"directory", directory}});
  if (auto made = MakeDirectory(marks, kPrivate, Account{}); !made) return;
  [[maybe_unused]] auto written = WriteFile(mark, directory + "\n", Account{});
}

Result<void> PostgresRuntime::Impl::WriteScripts(const std::string& volume,
                                                 const PostgresSlot& slot) const {
  const Plan& plan = slot.plan;
  if (plan.archive) {
    ArchiveScript script;
    script.store = StoreDirectory(plan.archive.destination);
    script.server = plan.archive.server;
    script.refusal = plan.archive.refusal;
    script.skip_check = plan.archive.skip_check;
    if (script.refusal.empty()) MakeStore(script.store);
    TRY_VOID(WriteWhenOther(Dir(volume) + "/archive", ArchiveText(script), account));
  }
  if (plan.origin) {
    const std::string store = StoreDirectory(plan.origin.destination);
    TRY_VOID(
        WriteWhenOther(Dir(volume) + "/restore", RestoreText(store, plan.origin.server), account));
  }
  return {};
}

Result<void> PostgresRuntime::Impl::ArchiveReady(const std::string& volume,
                                                 const PostgresSlot& slot) const {
  if (!slot.plan.archive) return {};
  constexpr char kSuffix[] = ".ready";
  TRY_VOID(WriteScripts(volume, slot));
  std::vector<std::string> files;
  std::error_code error;
  const std::string status = Data(volume) + "/pg_wal/archive_status";
  for (const auto& entry : std::filesystem::directory_iterator(status, error))
    if (entry.path().extension() == kSuffix) files.push_back(entry.path().stem().string());
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    auto archived = Run({"/bin/sh", "-c", R"(cd "$1" && exec /bin/sh ../archive "pg_wal/$2" "$2")",
                         "sh", Data(volume), file});
    if (!archived)
      return Error{Code::kUnavailable, "NotArchived",
                   "while ensuring all WAL files are archived: " + archived.error().message};
    const std::string mark = status + "/" + file;
    std::filesystem::rename(mark + kSuffix, mark + ".done", error);
  }
  return {};
}

void PostgresRuntime::Impl::WatchArchives() {
  constexpr double kEveryMs = 3000;
  const auto every = std::chrono::milliseconds(
      static_cast<int64_t>(std::clamp(kEveryMs * options.pace, 400.0, kEveryMs)));
  std::unique_lock lock(mutex);
  while (!changed.wait_for(lock, every, [this] { return stopping; })) {
    std::vector<std::string> archiving;
    for (const auto& [volume, slot] : slots)
      if (slot.state.running && slot.state.primary && slot.plan.archive)
        archiving.push_back(volume);
    lock.unlock();
    for (const std::string& volume : archiving) LookAtArchive(volume);
    lock.lock();
  }
}

// Looks at one file only, as long as the archiver has no new result and does not fail.
void PostgresRuntime::Impl::LookAtArchive(const std::string& volume) {
  constexpr double kPauseMs = 60'000;  // PostgreSQL's pause after three failures
  const PostgresSlot slot = Copy(volume);
  const std::string path = Dir(volume) + "/" + kArchiveResult, seen = Signature(path);
  const int64_t now = clock.SteadyMs();
  const auto pause = static_cast<int64_t>(std::clamp(kPauseMs * options.pace, 1000.0, kPauseMs));
  if (slot.state.archive_failing && now - slot.archive_hurried_at > pause) {
    Signal(volume, SIGHUP);  // wakes the archiver
    const std::lock_guard lock(mutex);
    if (const auto it = slots.find(volume); it != slots.end()) it->second.archive_hurried_at = now;
  }
  if (seen.empty() || seen == slot.archive_seen) return;
  const std::string said = ReadFile(path);
  auto failing = Sql(slot.state.port, "postgres",
                     "SELECT CASE WHEN archived_count + failed_count = 0 THEN '' ELSE "
                     "(coalesce(last_failed_time, '-infinity') > "
                     "coalesce(last_archived_time, '-infinity'))::text END FROM pg_stat_archiver");
  // The script writes its result before PostgreSQL has noted it. While the two disagree, we ask
  // again at the next look. After a crash PostgreSQL may know nothing for long: then a result that
  // is old enough counts as seen.
  const bool forgotten = failing && failing->empty() && Age(path) > kNotedSeconds;
  if (forgotten) {
    const std::lock_guard lock(mutex);
    if (const auto it = slots.find(volume); it != slots.end()) it->second.archive_seen = seen;
  }
  if (!failing || failing->empty() || (*failing == "true") == said.empty()) return;
  {
    const std::lock_guard lock(mutex);
    const auto it = slots.find(volume);
    if (it == slots.end()) return;
    PostgresSlot& live = it->second;
    live.archive_seen = seen;
    const bool same = live.state.archive_known && live.state.archive_failure == said;
    live.state.archive_known = true;
    live.state.archive_failing = !said.empty();
    live.state.archive_failure = said;
    if (same) return;
  }
  Changed(volume);
}

}  // namespace slipway::sim::operators::cnpg
