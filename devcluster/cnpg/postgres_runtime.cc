#include "devcluster/cnpg/postgres_runtime.h"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include "base/crypto.h"
#include "devcluster/cnpg/postgres_runtime_impl.h"

namespace slipway::sim::operators::cnpg {

std::string PostgresRuntime::FindPrograms(const std::string& configured) {
  const auto usable = [](const std::string& dir) {
    return access((dir + "/postgres").c_str(), X_OK) == 0 &&
           access((dir + "/initdb").c_str(), X_OK) == 0;
  };
  if (!configured.empty()) return usable(configured) ? configured : "";
  std::string best;
  int newest = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    const int version = std::atoi(entry.path().filename().c_str());
    const std::string dir = entry.path().string() + "/bin";
    if (version <= newest || !usable(dir)) continue;
    newest = version;
    best = dir;
  }
  return best;
}

void PostgresRuntime::Impl::RemovePidFile(const std::string& volume) {
  RemoveTree(Data(volume) + "/postmaster.pid");
}

void PostgresRuntime::Impl::Want(const std::string& volume, Plan plan) {
  {
    const std::lock_guard lock(mutex);
    PostgresSlot& slot = slots[volume];
    if (slot.want_gone) return;
    slot.state.ns = plan.ns;
    slot.state.cluster = plan.cluster;
    slot.state.instance = plan.instance;
    const auto upstream = slots.find(plan.upstream);
    std::string key = plan.upstream + '|' + plan.password + '|' + plan.tls_cert + '|' +
                      plan.parameters.Dump() + '|' + plan.attempt;
    for (const Archive* archive : {&plan.archive, &plan.origin})
      key += '|' + archive->destination + '|' + archive->server + '|' + archive->refusal + '|' +
             (archive->skip_check ? "1" : "0");
    if (upstream != slots.end()) key += '|' + std::to_string(upstream->second.state.port);
    key = Sha256Hex(key);
    if (slot.planned && slot.want_run && slot.plan_key == key) return;
    slot.plan_key = key;
    if (slot.state.primary && !plan.upstream.empty()) slot.state.running = false;
    slot.plan = std::move(plan);
    slot.planned = slot.want_run = true;
  }
  Poke(volume);
}

uint64_t PostgresRuntime::Impl::Probe(const std::string& volume) {
  const PostgresSlot slot = Copy(volume);
  if (!slot.state.running) return 0;
  Refresh(volume);
  const char* sql = slot.state.primary
                        ? "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
                        : "SELECT pg_wal_lsn_diff(coalesce(pg_last_wal_receive_lsn(), "
                          "pg_last_wal_replay_lsn()), '0/0')";
  auto position = Sql(slot.state.port, "postgres", sql);
  return position ? std::strtoull(position->c_str(), nullptr, 10) : 0;
}

Result<void> PostgresRuntime::Impl::Prepare() {
  constexpr size_t kBackupThreads = 4, kBackups = 1000;
  TRY_VOID(Open(options.data_dir));
  backup_threads = std::make_unique<Executor>("sim-backup", kBackupThreads, kBackups);
  archive_watch = std::thread([this] { WatchArchives(); });
  return {};
}

PostgresRuntime::Impl::~Impl() {
  BeginShutdown();
  if (archive_watch.joinable()) archive_watch.join();
  if (backup_threads) backup_threads->Drain();
  Shutdown();
}

PostgresRuntime::PostgresRuntime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PostgresRuntime::~PostgresRuntime() = default;

Result<std::unique_ptr<PostgresRuntime>> PostgresRuntime::Start(Options options, const Clock& clock,
                                                                Logger& log, OnChange on_change,
                                                                OnChange on_backup) {
  auto impl = std::make_unique<Impl>(std::move(options), clock, log, std::move(on_change),
                                     std::move(on_backup));
  TRY_VOID(impl->Prepare());
  return std::unique_ptr<PostgresRuntime>(new PostgresRuntime(std::move(impl)));
}

void PostgresRuntime::Want(const std::string& volume, Plan plan) {
  impl_->Want(volume, std::move(plan));
}

void PostgresRuntime::Stop(const std::string& volume) {
  impl_->Stop(volume);
}

void PostgresRuntime::Restart(const std::string& volume) {
  impl_->Restart(volume);
}

void PostgresRuntime::Remove(const std::string& volume) {
  impl_->Remove(volume);
}

PostgresRuntime::State PostgresRuntime::Get(const std::string& volume) const {
  return impl_->Get(volume);
}

std::vector<std::string> PostgresRuntime::Volumes() const {
  return impl_->Names();
}

uint64_t PostgresRuntime::Probe(const std::string& volume) {
  return impl_->Probe(volume);
}

void PostgresRuntime::StartBackup(BackupRequest request) {
  impl_->StartBackup(std::move(request));
}

PostgresRuntime::BackupState PostgresRuntime::GetBackup(const std::string& key) const {
  return impl_->GetBackup(key);
}

void PostgresRuntime::ForgetBackup(const std::string& key) {
  impl_->ForgetBackup(key);
}

std::string PostgresRuntime::StoreDirectory(const std::string& destination) const {
  return impl_->StoreDirectory(destination);
}

}  // namespace slipway::sim::operators::cnpg
