#include <chrono>
#include <filesystem>
#include <memory>
#include <signal.h>

#include <libpq-fe.h>

#include "base/crypto.h"
#include "devcluster/cnpg/archive_scripts.h"
#include "devcluster/cnpg/postgres_runtime_impl.h"

// The steps of a volume. They run on the executor's threads, at most one per volume, and work on a
// copy of the slot; only their results go back under the mutex.
namespace slipway::sim::operators::cnpg {

namespace {

struct FreeConnection {
  void operator()(PGconn* c) const { PQfinish(c); }
};

struct FreeAnswer {
  void operator()(PGresult* r) const { PQclear(r); }
};

}  // namespace

Result<std::string> PostgresRuntime::Impl::Sql(int port, const std::string& database,
                                               const std::string& sql) const {
  const std::string where = "host=" + root.sockets() + " port=" + std::to_string(port) +
                            " user=postgres connect_timeout=3 dbname=" + database;
  const std::unique_ptr<PGconn, FreeConnection> connection(PQconnectdb(where.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK)
    return Error{Code::kUnavailable, "NoConnection", PQerrorMessage(connection.get())};
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, FreeAnswer> answer(PQexec(connection.get(), sql.c_str()));
  const ExecStatusType status = PQresultStatus(answer.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    return Error{Code::kInternal, "SqlFailed", PQerrorMessage(connection.get())};
  if (status == PGRES_COMMAND_OK || PQntuples(answer.get()) == 0) return std::string();
  return std::string(PQgetvalue(answer.get(), 0, 0));
}

Result<void> PostgresRuntime::Impl::Run(std::vector<std::string> argv, int64_t timeout_ms) const {
  return RunToEnd(ProgramOf(std::move(argv)), timeout_ms, stop_fd);
}

Result<std::string> PostgresRuntime::Impl::Output(std::vector<std::string> argv,
                                                  int64_t timeout_ms) const {
  return RunForOutput(ProgramOf(std::move(argv)), timeout_ms, stop_fd);
}

Result<void> PostgresRuntime::Impl::EnsureTemplate() {
  const std::lock_guard one(template_mutex);
  const std::string version = std::filesystem::path(options.bin).parent_path().filename().string();
  const std::string done = root.path() + "/template-" + version, work = done + ".new";
  std::error_code error;
  if (std::filesystem::exists(done, error)) return {};
  RemoveTree(work);
  TRY_VOID(MakeDirectory(work, 0700, account));
  TRY_VOID(Run({Program("initdb"), "-D", work, "-U", "postgres", "-E", "UTF8", "--locale=C", "-N",
                "-k", "--wal-segsize=1", "-A", "trust"}));
  TRY_VOID(WriteFile(work + "/pg_hba.conf", HostAccess(), account));
  TRY_VOID(WriteFile(work + "/postgresql.conf", "include 'slipway.conf'\n", account));
  std::filesystem::rename(work, done, error);
  if (error) return Error{Code::kInternal, "TemplateFailed", error.message()};
  return {};
}

Result<bool> PostgresRuntime::Impl::Fill(const std::string& volume, const PostgresSlot& slot) {
  if (slot.plan.source == Source::kArchive) return FillFromArchive(volume, slot);
  TRY_VOID(StopServer(volume, SIGQUIT));
  RemoveTree(Data(volume));
  TRY_VOID(MakeDirectory(Dir(volume), 0700, account));
  if (slot.plan.source == Source::kCopyOfUpstream) {
    TRY_VOID(CloneFrom(volume, slot));
  } else {
    TRY_VOID(EnsureTemplate());
    const std::string version =
        std::filesystem::path(options.bin).parent_path().filename().string();
    TRY_VOID(Run(
        {"/bin/cp", "-a", "--reflink=auto", root.path() + "/template-" + version, Data(volume)}));
    uint64_t random = 0;
    const std::string bytes = RandomBytes(4);
    for (const char c : bytes) random = random << 8 | static_cast<unsigned char>(c);
    TRY_VOID(NewSystemIdentifier(Data(volume),
                                 static_cast<uint64_t>(clock.NowMs() / 1000) << 32 | random));
    TRY_VOID(Run({Program("pg_resetwal"), "-f", "-D", Data(volume)}));
    TRY_VOID(WriteFile(Dir(volume) + "/" + kCheckEmpty, "", account));
    TRY_VOID(Start(volume, slot, false));
    TRY_VOID(Bootstrap(volume, slot));
  }
  TRY_VOID(WriteFile(Dir(volume) + "/filled", "yes\n", account));
  const std::lock_guard lock(mutex);
  slots[volume].state.filled = true;
  return true;
}

Result<void> PostgresRuntime::Impl::Bootstrap(const std::string& volume, const PostgresSlot& slot) {
  TRY(const int port, PortOf(volume));
  const Plan& plan = slot.plan;
  TRY_VOID(
      Sql(port, "postgres",
          "CREATE ROLE " + Identifier(plan.owner) + " LOGIN PASSWORD " + Literal(plan.password)));
  for (const std::string& sql : plan.post_init_sql) TRY_VOID(Sql(port, "postgres", sql));
  TRY_VOID(
      Sql(port, "postgres",
          "CREATE DATABASE " + Identifier(plan.database) + " OWNER " + Identifier(plan.owner)));
  for (const std::string& sql : plan.post_init_application_sql)
    TRY_VOID(Sql(port, Literal(plan.database), sql));
  // The real job ends with this too, so that there is something to archive at once.
  if (plan.archive) TRY_VOID(Sql(port, "postgres", "SELECT pg_switch_wal()"));
  const std::lock_guard lock(mutex);
  slots[volume].applied_password = Sha256Hex(plan.password);
  return {};
}

Result<void> PostgresRuntime::Impl::CloneFrom(const std::string& volume, const PostgresSlot& slot) {
  const State upstream = Copy(slot.plan.upstream).state;
  if (!upstream.running || !upstream.primary) return NotYet("the primary does not answer yet");
  TRY_VOID(Run({Program("pg_basebackup"), "-h", root.sockets(), "-p", std::to_string(upstream.port),
                "-U", "postgres", "-D", Data(volume), "-X", "stream", "-c", "fast", "--no-sync",
                "--no-manifest"}));
  return WriteFile(Dir(volume) + "/role", "standby", account);
}

Result<void> PostgresRuntime::Impl::WriteConfig(const std::string& volume, const PostgresSlot& slot,
                                                const RecoverySettings& recovery,
                                                std::string* config) {
  TRY(const int port, PortOf(volume));
  ServerSettings settings;
  settings.port = port;
  settings.socket_dir = root.sockets();
  settings.upstream_port = slot.plan.upstream.empty() ? 0 : Copy(slot.plan.upstream).state.port;
  settings.tls = !slot.plan.tls_cert.empty();
  settings.name = slot.plan.instance;
  settings.parameters = slot.plan.parameters;
  // A standby must allow at least as many connections as its primary.
  settings.least_connections =
      slot.plan.upstream.empty() ? 0 : Copy(slot.plan.upstream).connections;
  // Nothing is archived before the data is complete: a bootstrap that is repeated must find its
  // archive empty.
  settings.archive_command = !slot.state.filled  ? ""
                             : slot.plan.archive ? kArchiveCommand
                                                 : kNoArchiveCommand;
  settings.recovery = recovery;
  TRY_VOID(WriteScripts(volume, slot));
  *config = ServerConfig(settings);
  if (settings.tls) {
    TRY_VOID(WriteFile(Dir(volume) + "/server.crt", slot.plan.tls_cert, account));
    TRY_VOID(WriteFile(Dir(volume) + "/server.key", slot.plan.tls_key, account));
  }
  return WriteFile(Data(volume) + "/slipway.conf", *config, account);
}

Result<void> PostgresRuntime::Impl::Start(const std::string& volume, const PostgresSlot& slot,
                                          bool standby) {
  std::string config;
  TRY_VOID(WriteConfig(volume, slot, {}, &config));
  const std::string signal_file = Data(volume) + "/standby.signal";
  std::error_code error;
  if (standby)
    TRY_VOID(WriteFile(signal_file, "", account));
  else
    std::filesystem::remove(signal_file, error);
  TRY_VOID(WriteFile(Dir(volume) + "/role", standby ? "standby" : "primary", account));
  const std::string where = "host=" + root.sockets() +
                            " port=" + std::to_string(Copy(volume).state.port) +
                            " user=postgres dbname=postgres connect_timeout=3";
  TRY_VOID(Launch(
      volume, ProgramOf({Program("postgres"), "-D", Data(volume)}, Dir(volume) + "/postgres.log"),
      [&config](PostgresSlot& live) {
        live.applied_config = config;
        live.connections = ConnectionsOf(config);
      },
      [&where] { return PQping(where.c_str()) == PQPING_OK; }));
  const std::lock_guard lock(mutex);
  slots[volume].state.primary = !standby;
  return {};
}

Result<bool> PostgresRuntime::Impl::StartServer(const std::string& volume,
                                                const PostgresSlot& slot) {
  const bool standby = !slot.plan.upstream.empty();
  const bool was_primary = ReadFile(Dir(volume) + "/role") == "primary";
  if (standby && was_primary) TRY_VOID(Rewind(volume, slot));
  // A server that was a standby starts as one and is then promoted, so that it gets a new timeline.
  TRY_VOID(Start(volume, slot, standby || !was_primary));
  return true;
}

Result<bool> PostgresRuntime::Impl::Adjust(const std::string& volume, const PostgresSlot& slot) {
  const bool standby = !slot.plan.upstream.empty();
  if (standby && slot.state.primary) {
    TRY_VOID(StopServer(volume, SIGINT));
    return true;
  }
  if (!standby && !slot.state.primary) {
    TRY_VOID(Sql(slot.state.port, "postgres", "SELECT pg_promote(true, 60)"));
    TRY_VOID(WriteFile(Dir(volume) + "/role", "primary", account));
    const std::lock_guard lock(mutex);
    slots[volume].state.primary = true;
    return true;
  }
  std::string config;
  TRY_VOID(WriteConfig(volume, slot, {}, &config));
  if (config != slot.applied_config) {
    Signal(volume, SIGHUP);
    const std::lock_guard lock(mutex);
    slots[volume].applied_config = config;
  }
  const std::string password = Sha256Hex(slot.plan.password);
  if (!standby && !slot.plan.password.empty() && slot.applied_password != password) {
    TRY_VOID(Sql(slot.state.port, "postgres",
                 "ALTER ROLE " + Identifier(slot.plan.owner) + " LOGIN PASSWORD " +
                     Literal(slot.plan.password)));
    const std::lock_guard lock(mutex);
    slots[volume].applied_password = password;
  }
  if (!slot.state.running) {
    Refresh(volume);
    const std::lock_guard lock(mutex);
    PostgresSlot& live = slots[volume];
    live.state.running = live.pid != 0;
  }
  return false;
}

void PostgresRuntime::Impl::Refresh(const std::string& volume) {
  const State state = Copy(volume).state;
  const char* sql =
      state.primary
          ? "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"
          : "SELECT coalesce((SELECT received_tli FROM pg_stat_wal_receiver), "
            "(SELECT timeline_id FROM pg_control_checkpoint()))";
  auto timeline = Sql(state.port, "postgres", sql);
  const uint64_t system_id = SystemIdentifier(Data(volume));
  const std::lock_guard lock(mutex);
  const auto it = slots.find(volume);
  if (it == slots.end()) return;
  if (timeline) it->second.state.timeline = std::atoll(timeline->c_str());
  it->second.state.system_id = system_id;
}

Result<void> PostgresRuntime::Impl::Rewind(const std::string& volume, const PostgresSlot& slot) {
  const State upstream = Copy(slot.plan.upstream).state;
  if (!upstream.running || !upstream.primary) return NotYet("the primary does not answer yet");
  TRY_VOID(ArchiveReady(volume, slot));
  TRY_VOID(Sql(upstream.port, "postgres", "CHECKPOINT"));
  const std::string source = "host=" + root.sockets() + " port=" + std::to_string(upstream.port) +
                             " user=postgres dbname=postgres";
  // An interrupted rewind leaves data that no server can use.
  RemoveTree(Dir(volume) + "/filled");
  auto rewound =
      Run({Program("pg_rewind"), "-D", Data(volume), "--source-server=" + source, "--no-sync"});
  if (!rewound) {
    log.Info("sim.postgres_rewind_failed",
             {{"volume", volume}, {"error", rewound.error().message}});
    RemoveTree(Data(volume));
    TRY_VOID(CloneFrom(volume, slot));
  }
  TRY_VOID(WriteFile(Dir(volume) + "/role", "standby", account));
  return WriteFile(Dir(volume) + "/filled", "yes\n", account);
}

}  // namespace slipway::sim::operators::cnpg
