#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <signal.h>

#include <libpq-fe.h>

#include "base/crypto.h"
#include "devcluster/cnpg/archive_scripts.h"
#include "devcluster/cnpg/postgres_runtime_impl.h"

// Recovery: the work of the job X-1-full-recovery in its pod.
namespace slipway::sim::operators::cnpg {

namespace {

constexpr int64_t kReplayMs = 3'600'000, kUnpackMs = 3'600'000;

// Settings that must be at least as large in a server that replays WAL as in the one that wrote it:
// their names in the output of pg_controldata and in the configuration.
constexpr std::pair<const char*, const char*> kAtLeast[] = {
    {"max_worker_processes setting", "max_worker_processes"},
    {"max_wal_senders setting", "max_wal_senders"},
    {"max_prepared_xacts setting", "max_prepared_transactions"},
    {"max_locks_per_xact setting", "max_locks_per_transaction"}};
// Their values in slipway.conf, or PostgreSQL's defaults.
const std::map<std::string, int> kOurs{{"max_worker_processes", 8},
                                       {"max_wal_senders", 12},
                                       {"max_prepared_transactions", 0},
                                       {"max_locks_per_transaction", 64}};

int NumberAfter(const std::string& text, const std::string& label) {
  const size_t at = text.find(label + ":");
  return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + label.size() + 1);
}

// The reason why a server ended, from its log after `offset`. Skips the messages that it gave to
// clients meanwhile. "" when the log names no reason.
std::string LastWords(const std::string& log, size_t offset) {
  constexpr char kFatal[] = "FATAL:  ";
  for (size_t at = offset; (at = log.find(kFatal, at)) != std::string::npos;) {
    at += sizeof kFatal - 1;
    std::string words = log.substr(at, log.find('\n', at) - at);
    if (words.rfind("the database system ", 0) != 0 && words.rfind("terminating ", 0) != 0)
      return words;
  }
  return "";
}

void AddTarget(const RecoveryTarget& target, RecoverySettings& out) {
  const auto add = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out.lines.emplace_back(name, value);
  };
  if (!target.time.empty()) add("recovery_target_time", TargetTimeWithZone(target.time));
  add("recovery_target_lsn", target.lsn);
  add("recovery_target_xid", target.xid);
  add("recovery_target_name", target.name);
  if (target.immediate) add("recovery_target", "immediate");
  add("recovery_target_inclusive", target.exclusive ? "false" : "true");
  add("recovery_target_timeline", target.timeline.empty() ? "latest" : target.timeline);
  add("recovery_target_action", "promote");
}

}  // namespace

// A failed attempt is no failed step: it goes into the state, and the job decides about another
// attempt.
Result<bool> PostgresRuntime::Impl::FillFromArchive(const std::string& volume,
                                                    const PostgresSlot& slot) {
  if (slot.state.failed_attempt == slot.plan.attempt) return false;
  auto restored = Restore(volume, slot);
  if (restored) {
    const std::lock_guard lock(mutex);
    slots[volume].state.filled = true;
    return true;
  }
  const Error& error = restored.error();
  if (error.code == Code::kUnavailable || error.code == Code::kCancelled)
    return std::move(restored).error();
  TRY_VOID(StopServer(volume, SIGQUIT));
  log.Info("sim.recovery_failed", {{"volume", volume}, {"error", error.message}});
  const std::lock_guard lock(mutex);
  slots[volume].state.failed_attempt = slot.plan.attempt;
  slots[volume].state.attempt_failure = error.message;
  return false;
}

Result<void> PostgresRuntime::Impl::Restore(const std::string& volume, const PostgresSlot& slot) {
  const Plan& plan = slot.plan;
  TRY_VOID(StopServer(volume, SIGQUIT));
  RemoveTree(Data(volume));
  TRY_VOID(MakeDirectory(Dir(volume), 0700, account));
  if (!plan.origin.refusal.empty())
    return Error{Code::kInternal, "RestoreRefused", plan.origin.refusal};
  TRY_VOID(
      CopyBase(volume, slot, StoreDirectory(plan.origin.destination) + "/" + plan.origin.server));
  std::error_code error;
  const std::string own =
      StoreDirectory(plan.archive.destination) + "/" + plan.archive.server + "/wals";
  const bool used = plan.archive && !plan.archive.skip_check &&
                    std::filesystem::exists(own, error) && !std::filesystem::is_empty(own, error);
  if (used)
    return Error{Code::kInternal, "ArchiveNotEmpty",
                 PluginError("WAL archive check failed for server " + plan.archive.server +
                             ": Expected empty archive")};
  TRY_VOID(WriteFile(Dir(volume) + "/" + kCheckEmpty, "", account));
  TRY_VOID(Replay(volume, slot));
  TRY_VOID(EnsureOwner(volume, plan));
  return WriteFile(Dir(volume) + "/filled", "yes\n", account);
}

Result<void> PostgresRuntime::Impl::CopyBase(const std::string& volume, const PostgresSlot& slot,
                                             const std::string& server_directory) {
  auto base = ChooseBase(ListBases(server_directory), slot.plan.target);
  if (!base) return Error{Code::kInternal, "NoBackup", PluginError(base.error().message)};
  log.Info("sim.recovery_starts", {{"volume", volume}, {"backup", base->id}});
  TRY_VOID(MakeDirectory(Data(volume), 0700, account));
  auto unpacked = Run(
      {"/bin/tar", "-xf", server_directory + "/base/" + base->id + "/data.tar", "-C", Data(volume)},
      kUnpackMs);
  if (!unpacked && unpacked.error().code != Code::kCancelled)
    return Error{Code::kInternal, "UnpackFailed",
                 PluginError("unexpected failure invoking barman-cloud-restore: exit status 1")};
  if (!unpacked) return unpacked;
  RemoveTree(Data(volume) + "/standby.signal");  // from a backup of a standby
  return WriteFile(Data(volume) + "/recovery.signal", "", account);
}

Result<RecoverySettings> PostgresRuntime::Impl::SettingsOf(const std::string& volume,
                                                           const PostgresSlot& slot) const {
  TRY(const std::string control, Output({Program("pg_controldata"), "-D", Data(volume)}));
  RecoverySettings out;
  out.least_connections = NumberAfter(control, "max_connections setting");
  for (const auto& [label, name] : kAtLeast) {
    const int least = NumberAfter(control, label);
    if (least > kOurs.at(name)) out.lines.emplace_back(name, std::to_string(least));
  }
  out.lines.emplace_back("restore_command", kRestoreCommand);
  AddTarget(slot.plan.target, out);
  return out;
}

Result<void> PostgresRuntime::Impl::Replay(const std::string& volume, const PostgresSlot& slot) {
  TRY(const RecoverySettings recovery, SettingsOf(volume, slot));
  std::string config;
  TRY_VOID(WriteConfig(volume, slot, recovery, &config));
  TRY_VOID(WriteFile(Dir(volume) + "/role", "primary", account));
  const std::string log_file = Dir(volume) + "/postgres.log";
  const size_t said = ReadFile(log_file).size();
  const int port = Copy(volume).state.port;
  const std::string where = "host=" + root.sockets() + " port=" + std::to_string(port) +
                            " user=postgres dbname=postgres connect_timeout=3";
  bool given_up = false;
  const auto promoted = [&] {
    const PostgresSlot live = Copy(volume);
    if ((live.want_gone || live.stop_first || !live.want_run) && live.pid > 0) {
      given_up = true;
      Signal(volume, SIGQUIT);
    }
    if (PQping(where.c_str()) != PQPING_OK) return false;
    auto recovering = Sql(port, "postgres", "SELECT pg_is_in_recovery()");
    return recovering && *recovering == "f";
  };
  auto launched = Launch(
      volume, ProgramOf({Program("postgres"), "-D", Data(volume)}, log_file),
      [&config](PostgresSlot& live) {
        live.applied_config = config;
        live.connections = ConnectionsOf(config);
      },
      promoted, kReplayMs);
  if (!launched) {
    if (given_up || Stopping() || launched.error().code != Code::kUnavailable) return launched;
    const std::string words = LastWords(ReadFile(log_file), said);
    return Error{Code::kInternal, "RecoveryFailed",
                 words.empty() ? launched.error().message : words};
  }
  const std::lock_guard lock(mutex);
  slots[volume].state.primary = true;
  return {};
}

Result<void> PostgresRuntime::Impl::EnsureOwner(const std::string& volume, const Plan& plan) {
  const int port = Copy(volume).state.port;
  TRY(const std::string role,
      Sql(port, "postgres", "SELECT 1 FROM pg_roles WHERE rolname = " + Literal(plan.owner)));
  TRY_VOID(Sql(port, "postgres",
               (role.empty() ? "CREATE ROLE " : "ALTER ROLE ") + Identifier(plan.owner) +
                   " LOGIN PASSWORD " + Literal(plan.password)));
  TRY(const std::string database,
      Sql(port, "postgres", "SELECT 1 FROM pg_database WHERE datname = " + Literal(plan.database)));
  if (database.empty())
    TRY_VOID(
        Sql(port, "postgres",
            "CREATE DATABASE " + Identifier(plan.database) + " OWNER " + Identifier(plan.owner)));
  if (plan.archive) TRY_VOID(Sql(port, "postgres", "SELECT pg_switch_wal()"));
  const std::lock_guard lock(mutex);
  slots[volume].applied_password = Sha256Hex(plan.password);
  return {};
}

}  // namespace slipway::sim::operators::cnpg
