#include "devcluster/vitess/mysql_runtime.h"

#include <unistd.h>

#include "base/crypto.h"
#include "devcluster/vitess/mysql_runtime_impl.h"

namespace slipway::sim::operators::vitess {

std::string FindMysqlProgram(const std::string& bin, const std::string& name) {
  for (const char* where : {"/", "/../bin/", "/../scripts/"})
    if (access((bin + where + name).c_str(), X_OK) == 0) return bin + where + name;
  return "";
}

std::string MysqlRuntime::FindPrograms(const std::string& configured) {
  std::vector<std::string> places{"/usr/sbin", "/usr/local/mysql/bin", "/usr/bin", "/usr/libexec"};
  if (!configured.empty()) places = {configured};
  for (const std::string& bin : places)
    if (access((bin + "/mariadbd").c_str(), X_OK) == 0 &&
        !FindMysqlProgram(bin, "mariadb-install-db").empty() &&
        !FindMysqlProgram(bin, "mariadb").empty())
      return bin;
  return "";
}

Result<void> MysqlRuntime::Impl::Prepare() {
  TRY_VOID(Open(options.data_dir + "/mysql"));
  backup_threads = std::make_unique<Executor>("sim-mysql-backup", 2, 1000);
  const std::string password = RandomAlnum(32);
  TRY_VOID(WriteFile(ClientConfig(),
                     std::string("[client]\nuser=") + kAdminUser + "\npassword=" + password + "\n",
                     account));
  return WriteFile(InitFile(),
                   MysqlInitSql(MysqlNativeHash(password), MysqlNativeHash(replication_password)),
                   account);
}

std::string MysqlRuntime::Impl::RandomReplicationPassword() {
  return RandomAlnum(32);
}

void MysqlRuntime::Impl::RemovePidFile(const std::string& volume) {
  RemoveTree(Dir(volume) + "/mariadbd.pid");
}

void MysqlRuntime::Impl::Want(const std::string& volume, Plan plan) {
  {
    const std::lock_guard lock(mutex);
    MysqlSlot& slot = slots[volume];
    if (slot.want_gone) return;
    slot.state.ns = plan.ns;
    slot.state.cluster = plan.cluster;
    slot.state.instance = plan.instance;
    Json accounts = Json::MakeArray();
    for (const MysqlAccount& one : plan.accounts) {
      accounts.Push(one.user);
      for (const std::string& hash : one.hashes) accounts.Push(hash);
    }
    const auto upstream = slots.find(plan.upstream);
    const int port = upstream == slots.end() ? 0 : upstream->second.state.port;
    const Json all =
        Json::Arr({plan.upstream, port, plan.database, accounts, plan.parameters, plan.origin});
    const std::string key = Sha256Hex(all.Dump());
    if (slot.planned && slot.want_run && slot.plan_key == key) return;
    slot.plan_key = key;
    if (slot.planned && slot.plan.upstream != plan.upstream) slot.state.running = false;
    slot.plan = std::move(plan);
    slot.planned = slot.want_run = true;
  }
  Poke(volume);
}

uint64_t MysqlRuntime::Impl::Probe(const std::string& volume) {
  const MysqlSlot slot = Copy(volume);
  if (slot.pid == 0) return 0;
  auto position = Sql(slot.state.port, "SELECT @@GLOBAL.gtid_binlog_pos;\n", Form::kRows, 3000);
  return position ? GtidCount(*position) : 0;
}

MysqlRuntime::MysqlRuntime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MysqlRuntime::~MysqlRuntime() = default;

Result<std::unique_ptr<MysqlRuntime>> MysqlRuntime::Start(Options options, const Clock& clock,
                                                          Logger& log, OnChange on_change) {
  auto impl = std::make_unique<Impl>(std::move(options), clock, log, std::move(on_change));
  TRY_VOID(impl->Prepare());
  return std::unique_ptr<MysqlRuntime>(new MysqlRuntime(std::move(impl)));
}

void MysqlRuntime::Want(const std::string& volume, Plan plan) {
  impl_->Want(volume, std::move(plan));
}

void MysqlRuntime::Stop(const std::string& volume) {
  impl_->Stop(volume);
}

void MysqlRuntime::Restart(const std::string& volume) {
  impl_->Restart(volume);
}

void MysqlRuntime::Remove(const std::string& volume) {
  impl_->Remove(volume);
}

MysqlRuntime::State MysqlRuntime::Get(const std::string& volume) const {
  return impl_->Get(volume);
}

std::vector<std::string> MysqlRuntime::Volumes() const {
  return impl_->Names();
}

uint64_t MysqlRuntime::Probe(const std::string& volume) {
  return impl_->Probe(volume);
}

void MysqlRuntime::StartBackup(BackupRequest request) {
  impl_->StartBackup(std::move(request));
}

MysqlRuntime::BackupState MysqlRuntime::GetBackup(const std::string& key) const {
  return impl_->GetBackup(key);
}

void MysqlRuntime::ForgetBackup(const std::string& key) {
  impl_->ForgetBackup(key);
}

std::string MysqlRuntime::Buckets() const {
  return impl_->Buckets();
}

}  // namespace slipway::sim::operators::vitess
