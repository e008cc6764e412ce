#include <filesystem>
#include <signal.h>
#include <sstream>

#include "base/crypto.h"
#include "devcluster/vitess/mysql_runtime_impl.h"

// The steps of a volume. Each step runs on one of the executor's threads, at most one per volume,
// and works on a copy of the slot; only its results go back under the mutex.
namespace slipway::sim::operators::vitess {

namespace {

constexpr int64_t kCatchUpMs = 10'000;
// A tenant can break a replica, for example with ANALYZE TABLE … PERSISTENT, which read_only
// allows. So we look again.
constexpr int64_t kLookAgainMs = 5000;

// The complaints in a server's log since its last start, without the notes.
std::string Complaints(const std::string& server_log) {
  const size_t start = server_log.rfind("[Note] Starting MariaDB");
  std::istringstream in(start == std::string::npos ? server_log : server_log.substr(start));
  std::string out;
  for (std::string line; std::getline(in, line) && out.size() < 1000;)
    if (line.find("[Note]") == std::string::npos) out += "; " + line;
  return out;
}

}  // namespace

Result<std::string> MysqlRuntime::Impl::Sql(int port, const std::string& sql, Form form,
                                            int64_t timeout_ms) const {
  std::vector<std::string> argv{FindMysqlProgram(options.bin, "mariadb"),
                                "--defaults-file=" + ClientConfig(),
                                "--socket=" + Socket(port),
                                "--batch",
                                "--binary-mode",
                                "--connect-timeout=3"};
  argv.emplace_back(form == Form::kVertical ? "--vertical" : "--skip-column-names");
  auto output = RunForOutput(ProgramOf(std::move(argv), "", sql), timeout_ms, stop_fd);
  if (output || output.error().reason != "ProgramFailed") return output;
  // The client prints the statement, which may hold secrets, before the error.
  const std::string& text = output.error().message;
  const size_t at = text.rfind("ERROR ");
  const std::string message = at == std::string::npos ? "the client failed" : text.substr(at);
  for (const char* gone : {"ERROR 2002", "ERROR 2006", "ERROR 2013", "ERROR 2026"})
    if (message.starts_with(gone)) return NotYet(message);
  return Error{Code::kInternal, "SqlFailed", message};
}

Result<ReplicaStatus> MysqlRuntime::Impl::Status(int port) const {
  TRY(const std::string output, Sql(port, "SHOW SLAVE STATUS;\n", Form::kVertical));
  return ParseReplicaStatus(output);
}

// Copying the template takes a twentieth of the time that making a data directory takes.
Result<void> MysqlRuntime::Impl::EnsureTemplate() {
  const std::lock_guard one(template_mutex);
  const std::string done = root.path() + "/template", work = done + ".new";
  const std::string sql = root.sockets() + "/template.sql";
  std::error_code error;
  if (std::filesystem::exists(done, error)) return {};
  RemoveTree(work);
  TRY_VOID(MakeDirectory(work, 0700, account));
  TRY_VOID(WriteFile(sql, MysqlTemplateSql(), account));
  TRY_VOID(
      RunToEnd(ProgramOf({FindMysqlProgram(options.bin, "mariadb-install-db"), "--no-defaults",
                          "--datadir=" + work, "--tmpdir=" + work,
                          "--basedir=" + std::filesystem::path(options.bin).parent_path().string(),
                          "--skip-test-db", "--skip-name-resolve",
                          "--auth-root-authentication-method=normal", "--extra-file=" + sql,
                          "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M"}),
               120'000, stop_fd));
  std::filesystem::rename(work, done, error);
  if (error) return Error{Code::kInternal, "TemplateFailed", error.message()};
  return {};
}

Result<bool> MysqlRuntime::Impl::Fill(const std::string& volume, const MysqlSlot& slot) {
  TRY_VOID(StopServer(volume, SIGKILL));
  RemoveTree(Data(volume));
  TRY_VOID(MakeDirectory(Dir(volume), 0700, account));
  TRY_VOID(EnsureTemplate());
  // The backup of an empty server has no data. A follower gets all from its primary, whose binary
  // log goes back to the beginning, also after a restore.
  std::string from = slot.plan.upstream.empty() ? slot.plan.origin : "";
  std::error_code error;
  const bool restores = !from.empty() && std::filesystem::is_directory(from + "/data", error);
  from = restores ? from + "/data" : root.path() + "/template";
  TRY_VOID(RunToEnd(
      ProgramOf({"/bin/cp", "-a", "--reflink=auto", "--sparse=always", from, Data(volume)}),
      600'000, stop_fd));
  // A server skips what its own identity has written. So a server that starts again from nothing
  // needs another identity.
  TRY_VOID(WriteFile(Dir(volume) + "/server_id", std::to_string(NewMysqlServerId()), account));
  TRY_VOID(WriteFile(Dir(volume) + "/filled", "yes\n", account));
  const std::lock_guard lock(mutex);
  slots[volume].state.filled = true;
  slots[volume].fresh = !restores;
  return true;
}

// When a replica and its primary have different histories, the replica starts again from nothing.
// That works because binary logs are kept from the beginning.
Result<bool> MysqlRuntime::Impl::Refill(const std::string& volume, const std::string& why) {
  if (Copy(volume).fresh) return Error{Code::kInternal, "CannotFollow", why};
  log.Info("sim.mysql_refilled", {{"volume", volume}, {"reason", why}});
  TRY_VOID(StopServer(volume, SIGKILL));
  RemoveTree(Dir(volume) + "/filled");
  const std::lock_guard lock(mutex);
  slots[volume].state.filled = false;
  return true;
}

Result<std::string> MysqlRuntime::Impl::Config(const std::string& volume, const MysqlSlot& slot) {
  TRY(const int port, PortOf(volume));
  MysqlSettings settings;
  settings.port = port;
  settings.server_id = ReadFile(Dir(volume) + "/server_id");
  settings.data = Data(volume);
  settings.temporary = Dir(volume) + "/tmp";
  settings.socket = Socket(port);
  settings.pid_file = Dir(volume) + "/mariadbd.pid";
  settings.init_file = InitFile();
  settings.base = std::filesystem::path(options.bin).parent_path().string();
  settings.parameters = slot.plan.parameters;
  return MysqlServerConfig(settings);
}

Result<bool> MysqlRuntime::Impl::StartServer(const std::string& volume, const MysqlSlot& slot) {
  TRY(const std::string config, Config(volume, slot));
  const std::string file = Dir(volume) + "/server.cnf", server_log = Dir(volume) + "/mariadbd.log";
  const std::string socket = Socket(Copy(volume).state.port);
  TRY_VOID(WriteFile(file, config, account));
  TRY_VOID(MakeDirectory(Dir(volume) + "/tmp", 0700, account));
  auto launched = Launch(
      volume, ProgramOf({options.bin + "/mariadbd", "--defaults-file=" + file}, server_log),
      [&config](MysqlSlot& live) {
        live.applied_config = config;
        live.applied_accounts = live.following = "";
        live.verified_at = 0;
        live.state.primary = false;
      },
      [&socket] { return MysqlGreets(socket); });
  if (launched) return true;
  if (launched.error().reason != "ServerEnded") return std::move(launched).error();
  return Error{Code::kInternal, "ServerEnded",
               launched.error().message + Complaints(ReadFile(server_log))};
}

Result<bool> MysqlRuntime::Impl::Adjust(const std::string& volume, const MysqlSlot& slot) {
  TRY(const std::string config, Config(volume, slot));
  if (config != slot.applied_config) {
    TRY_VOID(StopServer(volume, SIGTERM));
    return true;
  }
  return slot.plan.upstream.empty() ? Lead(volume, slot) : Follow(volume, slot);
}

Result<bool> MysqlRuntime::Impl::Lead(const std::string& volume, const MysqlSlot& slot) {
  std::string key = slot.plan.database;
  for (const MysqlAccount& one : slot.plan.accounts) {
    key += '\n' + one.user;
    for (const std::string& hash : one.hashes) key += ' ' + hash;
  }
  key = Sha256Hex(key);
  const bool promote = !slot.state.primary;
  if (!promote && slot.state.running && slot.applied_accounts == key) return false;
  if (promote) TRY_VOID(Promote(volume, slot));
  const int port = slot.state.port;
  if (slot.applied_accounts != key) {
    TRY(const std::string present, Sql(port, MysqlPresentSql()));
    TRY(const std::string sql,
        MysqlAccountsSql(slot.plan.database, slot.plan.accounts, ParseMysqlPresent(present)));
    TRY_VOID(Sql(port, sql));
  }
  TRY_VOID(Sql(port, "SET GLOBAL read_only=OFF;\n"));
  std::vector<std::string> followers;
  {
    const std::lock_guard lock(mutex);
    MysqlSlot& live = slots[volume];
    if (live.pid == 0) return true;
    live.applied_accounts = key;
    live.fresh = false;
    live.state.primary = live.state.running = true;
    for (auto& [name, other] : slots) {
      if (!promote || other.following != volume) continue;
      other.following.clear();  // its history may differ now
      followers.push_back(name);
    }
  }
  for (const std::string& name : followers) Poke(name);
  return false;
}

Result<void> MysqlRuntime::Impl::Promote(const std::string& volume, const MysqlSlot& slot) {
  if (!slot.following.empty()) CatchUp(volume, slot);
  TRY_VOID(Sql(slot.state.port, "STOP SLAVE;\nRESET SLAVE ALL;\n"));
  const std::lock_guard lock(mutex);
  slots[volume].following.clear();
  return {};
}

void MysqlRuntime::Impl::CatchUp(const std::string& volume, const MysqlSlot& slot) {
  const MysqlSlot former = Copy(slot.following);
  const auto wait_for = [&](const std::string& position) {
    const std::string seconds = std::to_string(kCatchUpMs / 1000);
    if (position.empty()) return;
    auto reached =
        Sql(slot.state.port, "SELECT MASTER_GTID_WAIT('" + position + "', " + seconds + ");\n");
    if (!reached || FirstLine(*reached) != "0")
      log.Warn("sim.mysql_promoted_early", {{"volume", volume}, {"missing", position}});
  };
  if (former.pid != 0 && former.state.port == slot.following_port) {
    // The former primary must take no more transactions, since they would be lost.
    auto position =
        Sql(former.state.port, "SET GLOBAL read_only=ON;\nSELECT @@GLOBAL.gtid_binlog_pos;\n",
            Form::kRows, kCatchUpMs);
    if (position) {
      {
        const std::lock_guard lock(mutex);
        const auto it = slots.find(slot.following);
        if (it != slots.end()) it->second.state.primary = it->second.state.running = false;
      }
      wait_for(FirstLine(*position));
    }
  }
  // Then wait for what was received but not yet applied.
  if (!Sql(slot.state.port, "STOP SLAVE IO_THREAD;\n")) return;
  auto status = Status(slot.state.port);
  if (status && status->sql && !status->io_position.empty()) wait_for(status->io_position);
}

Result<bool> MysqlRuntime::Impl::Follow(const std::string& volume, const MysqlSlot& slot) {
  const int port = slot.state.port;
  if (slot.state.primary) {
    TRY_VOID(Sql(port, "SET GLOBAL read_only=ON;\n"));
    const std::lock_guard lock(mutex);
    slots[volume].state.primary = slots[volume].state.running = false;
  }
  const State upstream = Copy(slot.plan.upstream).state;
  const bool told = slot.following == slot.plan.upstream && slot.following_port == upstream.port;
  const bool well = told && slot.verified_at != 0 && slot.state.running;
  const bool answers = upstream.running && upstream.primary;
  if (well && (!answers || clock.SteadyMs() < slot.verified_at + kLookAgainMs)) {
    const std::lock_guard lock(mutex);
    slots[volume].check_at =
        answers ? slot.verified_at + kLookAgainMs : clock.SteadyMs() + kLookAgainMs;
    return false;
  }
  if (!answers) return NotYet("the primary does not answer yet");
  if (told) return Verify(volume, slot);
  TRY(const std::string mine, Sql(port, "SELECT @@GLOBAL.gtid_binlog_pos;\n"));
  TRY(const std::string theirs, Sql(upstream.port, "SELECT @@GLOBAL.gtid_binlog_state;\n"));
  if (!GtidContains(theirs, mine))
    return Refill(volume, "has " + FirstLine(mine) + ", its primary " + FirstLine(theirs));
  TRY_VOID(Sql(port, MysqlFollowSql(upstream.port, replication_password)));
  const std::lock_guard lock(mutex);
  MysqlSlot& live = slots[volume];
  live.following = slot.plan.upstream;
  live.following_port = upstream.port;
  live.verified_at = 0;
  live.applied_accounts.clear();
  return true;
}

Result<bool> MysqlRuntime::Impl::Verify(const std::string& volume, const MysqlSlot& slot) {
  TRY(const ReplicaStatus status, Status(slot.state.port));
  if (status.broken()) return Refill(volume, status.message);
  if (!status.replicates()) return NotYet("does not replicate yet");
  const std::lock_guard lock(mutex);
  MysqlSlot& live = slots[volume];
  if (live.pid == 0) return true;
  live.verified_at = clock.SteadyMs();
  live.check_at = live.verified_at + kLookAgainMs;
  live.state.running = true;
  live.fresh = false;
  return false;
}

}  // namespace slipway::sim::operators::vitess
