#include "parameters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "spec.h"

namespace cnpg {
namespace {

constexpr double kKB = 1024, kMB = 1024 * kKB, kGB = 1024 * kMB;
constexpr double kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

const std::vector<Parameter>& Table() {
  using K = ParameterKind;
  static const std::vector<Parameter> table{
      {"auto_explain.log_analyze", K::kBool},
      {"auto_explain.log_min_duration", K::kTime, 0, kDay},
      {"autovacuum", K::kBool},
      {"autovacuum_analyze_scale_factor", K::kReal, 0, 1},
      {"autovacuum_max_workers", K::kInteger, 1, 32},
      {"autovacuum_naptime", K::kTime, kSecond, kDay},
      {"autovacuum_vacuum_cost_limit", K::kInteger, 1, 10000},
      {"autovacuum_vacuum_scale_factor", K::kReal, 0, 1},
      {"autovacuum_vacuum_threshold", K::kInteger, 0, 2147483647},
      {"checkpoint_completion_target", K::kReal, 0, 1},
      {"checkpoint_timeout", K::kTime, 30 * kSecond, kDay},
      {"deadlock_timeout", K::kTime, 1, kHour},
      {"default_statistics_target", K::kInteger, 1, 10000},
      {"default_transaction_isolation", K::kChoice, 0, 0, {"read committed", "repeatable read", "serializable"}},
      {"effective_cache_size", K::kSize, 8 * kKB, 16 * 1024 * kGB},
      {"effective_io_concurrency", K::kInteger, 0, 1000},
      {"idle_in_transaction_session_timeout", K::kTime, 0, 7 * kDay},
      {"jit", K::kBool},
      {"lock_timeout", K::kTime, 0, kDay},
      {"log_autovacuum_min_duration", K::kTime, 0, kDay},
      {"log_lock_waits", K::kBool},
      {"log_min_duration_statement", K::kTime, 0, kDay},
      {"log_statement", K::kChoice, 0, 0, {"none", "ddl", "mod", "all"}},
      {"log_temp_files", K::kSize, 0, 1024 * kGB},
      {"maintenance_work_mem", K::kSize, kMB, 64 * kGB},
      {"max_connections", K::kInteger, 10, 5000},
      {"max_locks_per_transaction", K::kInteger, 10, 100000},
      {"max_parallel_workers", K::kInteger, 0, 256},
      {"max_parallel_workers_per_gather", K::kInteger, 0, 64},
      {"max_slot_wal_keep_size", K::kSize, 64 * kMB, 1024 * kGB},
      {"max_wal_size", K::kSize, 32 * kMB, 1024 * kGB},
      {"max_worker_processes", K::kInteger, 2, 256},
      {"min_wal_size", K::kSize, 32 * kMB, 1024 * kGB},
      {"pg_stat_statements.max", K::kInteger, 100, 1000000},
      {"pg_stat_statements.track", K::kChoice, 0, 0, {"none", "top", "all"}},
      {"random_page_cost", K::kReal, 0, 1000},
      {"seq_page_cost", K::kReal, 0, 1000},
      {"shared_buffers", K::kSize, 128 * kKB, 1024 * kGB},
      {"statement_timeout", K::kTime, 0, 7 * kDay},
      {"synchronous_commit", K::kChoice, 0, 0, {"on", "off", "local", "remote_write", "remote_apply"}},
      {"temp_buffers", K::kSize, 800 * kKB, 64 * kGB},
      {"track_io_timing", K::kBool},
      {"wal_compression", K::kChoice, 0, 0, {"on", "off", "pglz", "lz4", "zstd"}},
      {"wal_keep_size", K::kSize, 0, 1024 * kGB},
      {"work_mem", K::kSize, 64 * kKB, 64 * kGB},
  };
  return table;
}

constexpr std::array kOwned = std::to_array<std::string_view>({
    "allow_system_table_mods", "archive_cleanup_command", "archive_command", "archive_mode", "bonjour", "bonjour_name", "cluster_name", "config_file",
    "data_directory", "data_sync_retry", "event_source", "external_pid_file", "hba_file", "hot_standby", "ident_file", "jit_provider", "listen_addresses",
    "log_destination", "log_directory", "log_file_mode", "log_filename", "log_rotation_age", "log_rotation_size", "log_truncate_on_rotation",
    "logging_collector", "port", "primary_conninfo", "primary_slot_name", "promote_trigger_file", "recovery_end_command", "recovery_min_apply_delay",
    "recovery_target", "recovery_target_action", "recovery_target_inclusive", "recovery_target_lsn", "recovery_target_name", "recovery_target_time",
    "recovery_target_timeline", "recovery_target_xid", "restart_after_crash", "restore_command", "shared_preload_libraries", "ssl", "ssl_ca_file",
    "ssl_cert_file", "ssl_crl_file", "ssl_dh_params_file", "ssl_ecdh_curve", "ssl_key_file", "ssl_passphrase_command",
    "ssl_passphrase_command_supports_reload", "ssl_prefer_server_ciphers", "stats_temp_directory", "synchronized_standby_slots",
    "synchronous_standby_names", "syslog_facility", "syslog_ident", "syslog_sequence_numbers", "syslog_split_messages", "temp_tablespaces",
    "unix_socket_directories", "unix_socket_group", "unix_socket_permissions"});

bool ToNumber(std::string_view text, double& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size() && std::isfinite(out);
}

// Milliseconds; a bare number counts as ms. -1 when it is no time.
double TimeMs(std::string_view text) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {{"", 1}, {"ms", 1}, {"s", kSecond}, {"min", kMinute}, {"h", kHour}, {"d", kDay}};
  double number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc()) return -1;
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const auto& [name, factor] : kUnits) {
    if (unit == name) return number * factor;
  }
  return -1;
}

std::string Range(const char* what, double low, double high) {
  const auto text = [](double n) {
    std::string s = std::to_string(n);
    s.erase(s.find_last_not_of('0') + 1);
    if (s.back() == '.') s.pop_back();
    return s;
  };
  return std::string("must be ") + what + " from " + text(low) + " to " + text(high);
}

std::string SizeText(double bytes) {
  for (const auto& [unit, factor] : {std::pair{"GB", kGB}, {"MB", kMB}, {"kB", kKB}}) {
    if (bytes >= factor) return std::to_string(static_cast<int64_t>(bytes / factor)) + unit;
  }
  return "0";
}

}  // namespace

const Parameter* FindParameter(std::string_view name) {
  const auto it = std::find_if(Table().begin(), Table().end(), [&](const Parameter& p) { return p.name == name; });
  return it != Table().end() ? &*it : nullptr;
}

bool IsOperatorOwned(std::string_view name) { return std::find(kOwned.begin(), kOwned.end(), name) != kOwned.end(); }

std::string CheckValue(const Parameter& parameter, std::string_view value) {
  double number = 0;
  switch (parameter.kind) {
    case ParameterKind::kInteger:
      if (!ToNumber(value, number) || std::trunc(number) != number || number < parameter.low || number > parameter.high) return Range("an integer", parameter.low, parameter.high);
      return "";
    case ParameterKind::kReal:
      if (!ToNumber(value, number) || number < parameter.low || number > parameter.high) return Range("a number", parameter.low, parameter.high);
      return "";
    case ParameterKind::kBool: return value == "on" || value == "off" || value == "true" || value == "false" ? "" : "must be on or off";
    case ParameterKind::kSize: {
      const auto bytes = static_cast<double>(PostgresBytes(value));
      if (bytes < parameter.low || bytes > parameter.high) return "must be a size with its unit (kB, MB, GB, TB) from " + SizeText(parameter.low) + " to " + SizeText(parameter.high);
      return "";
    }
    case ParameterKind::kTime: {
      const double ms = TimeMs(value);
      if (ms < parameter.low || ms > parameter.high) return Range("a time (ms, s, min, h, d), in ms", parameter.low, parameter.high);
      return "";
    }
    case ParameterKind::kChoice: {
      std::string all;
      for (const std::string_view choice : parameter.choices) {
        if (choice == value) return "";
        all += (all.empty() ? "" : ", ") + std::string(choice);
      }
      return "must be one of " + all;
    }
  }
  return "";
}

}  // namespace cnpg
