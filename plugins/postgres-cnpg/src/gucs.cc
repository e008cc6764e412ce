#include "gucs.h"

namespace cnpg {

namespace {

using enum ParameterType;

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kDay = 24 * 60 * kMinute;

constexpr Parameter kAllowed[] = {
    // Connections and memory. parameters.cc checks limits that depend on the instance's size.
    {"max_connections", kInt, 10, 2000},
    {"superuser_reserved_connections", kInt, 1, 20},
    {"max_prepared_transactions", kInt, 0, 1000},
    {"max_locks_per_transaction", kInt, 10, 4096},
    {"max_files_per_process", kInt, 64, 65536},
    {"shared_buffers", kMemory, 16 * kMB, 512 * kGB},
    {"temp_buffers", kMemory, 800, 4 * kGB},
    {"work_mem", kMemory, 64, 64 * kGB},
    {"hash_mem_multiplier", kReal, 1000, 1000000},
    {"maintenance_work_mem", kMemory, kMB, 64 * kGB},
    {"autovacuum_work_mem", kMemory, -1, 64 * kGB},
    {"logical_decoding_work_mem", kMemory, 64, 64 * kGB},
    {"effective_cache_size", kMemory, kMB, 1024 * kGB},
    {"temp_file_limit", kMemory, -1, 16384 * kGB},
    {"huge_pages", kEnum, 0, 0, "try|off"},
    // The planner.
    {"random_page_cost", kReal, 100, 100000},
    {"seq_page_cost", kReal, 100, 100000},
    {"cpu_tuple_cost", kReal, 0, 10000},
    {"cpu_index_tuple_cost", kReal, 0, 10000},
    {"cpu_operator_cost", kReal, 0, 10000},
    {"effective_io_concurrency", kInt, 0, 1000},
    {"maintenance_io_concurrency", kInt, 0, 1000},
    {"default_statistics_target", kInt, 1, 10000},
    {"from_collapse_limit", kInt, 1, 100},
    {"join_collapse_limit", kInt, 1, 100},
    {"constraint_exclusion", kEnum, 0, 0, "on|off|partition"},
    {"plan_cache_mode", kEnum, 0, 0, "auto|force_generic_plan|force_custom_plan"},
    {"enable_partitionwise_join", kBool},
    {"enable_partitionwise_aggregate", kBool},
    {"jit", kBool},
    // Workers.
    {"max_worker_processes", kInt, 8, 256},
    {"max_parallel_workers", kInt, 0, 256},
    {"max_parallel_workers_per_gather", kInt, 0, 64},
    {"max_parallel_maintenance_workers", kInt, 0, 64},
    {"max_wal_senders", kInt, 8, 100},
    {"max_replication_slots", kInt, 8, 100},
    {"max_logical_replication_workers", kInt, 0, 100},
    // Sessions.
    {"statement_timeout", kTime, 0, 7 * kDay},
    {"lock_timeout", kTime, 0, 7 * kDay},
    {"idle_in_transaction_session_timeout", kTime, 0, 7 * kDay},
    {"idle_session_timeout", kTime, 0, 30 * kDay},
    {"transaction_timeout", kTime, 0, 7 * kDay},
    {"deadlock_timeout", kTime, 10, 10 * kMinute},
    {"tcp_keepalives_idle", kTime, 0, kDay, {}, kSecond},
    {"tcp_keepalives_interval", kTime, 0, kDay, {}, kSecond},
    {"tcp_keepalives_count", kInt, 0, 100},
    {"default_transaction_isolation", kEnum, 0, 0,
     "read committed|repeatable read|serializable|read uncommitted"},
    {"timezone", kText},
    {"log_timezone", kText},
    {"datestyle", kText},
    {"default_text_search_config", kText},
    {"password_encryption", kEnum, 0, 0, "scram-sha-256"},
    {"ssl_min_protocol_version", kEnum, 0, 0, "TLSv1.2|TLSv1.3"},
    // Vacuum.
    {"autovacuum", kBool},
    {"autovacuum_max_workers", kInt, 1, 32},
    {"autovacuum_naptime", kTime, kSecond, kDay, {}, kSecond},
    {"autovacuum_vacuum_threshold", kInt, 0, 2147483647},
    {"autovacuum_vacuum_insert_threshold", kInt, -1, 2147483647},
    {"autovacuum_analyze_threshold", kInt, 0, 2147483647},
    {"autovacuum_vacuum_scale_factor", kReal, 0, 100000},
    {"autovacuum_vacuum_insert_scale_factor", kReal, 0, 100000},
    {"autovacuum_analyze_scale_factor", kReal, 0, 100000},
    {"autovacuum_freeze_max_age", kInt, 100000, 2000000000},
    {"autovacuum_vacuum_cost_delay", kTime, -1, 100},
    {"autovacuum_vacuum_cost_limit", kInt, -1, 10000},
    {"vacuum_cost_limit", kInt, 1, 10000},
    {"vacuum_cost_delay", kTime, 0, 100},
    // WAL and checkpoints.
    {"min_wal_size", kMemory, 32 * kMB, 1024 * kGB},
    {"max_wal_size", kMemory, 64 * kMB, 1024 * kGB},
    {"max_slot_wal_keep_size", kMemory, 64 * kMB, 16384 * kGB},
    {"wal_keep_size", kMemory, 0, 1024 * kGB},
    {"wal_buffers", kMemory, -1, kGB},
    {"wal_compression", kEnum, 0, 0, "on|off|pglz|lz4|zstd"},
    {"wal_level", kEnum, 0, 0, "logical|replica"},
    {"checkpoint_timeout", kTime, 30 * kSecond, kDay, {}, kSecond},
    {"checkpoint_completion_target", kReal, 0, 1000},
    {"archive_timeout", kTime, kMinute, 60 * kMinute, {}, kSecond},
    {"synchronous_commit", kEnum, 0, 0, "on|off|local|remote_write|remote_apply"},
    {"hot_standby_feedback", kBool},
    {"max_standby_streaming_delay", kTime, -1, kDay},
    {"max_standby_archive_delay", kTime, -1, kDay},
    {"bgwriter_delay", kTime, 10, 10 * kSecond},
    {"bgwriter_lru_maxpages", kInt, 0, 100000},
    {"bgwriter_lru_multiplier", kReal, 0, 10000},
    // Logs and statistics.
    {"log_min_duration_statement", kTime, -1, kDay},
    {"log_statement", kEnum, 0, 0, "none|ddl|mod|all"},
    {"log_min_messages", kEnum, 0, 0, "info|notice|warning|error|log"},
    {"log_min_error_statement", kEnum, 0, 0, "info|notice|warning|error|log"},
    {"log_checkpoints", kBool},
    {"log_connections", kBool},
    {"log_disconnections", kBool},
    {"log_lock_waits", kBool},
    {"log_temp_files", kMemory, -1, 1024 * kGB},
    {"log_autovacuum_min_duration", kTime, -1, kDay},
    {"track_io_timing", kBool},
    {"track_wal_io_timing", kBool},
    {"track_functions", kEnum, 0, 0, "none|pl|all"},
    {"track_activity_query_size", kInt, 100, 1048576},
    {"compute_query_id", kEnum, 0, 0, "auto|on"},
    {"pg_stat_statements.max", kInt, 100, 100000},
    {"pg_stat_statements.track", kEnum, 0, 0, "none|top|all"},
    {"pg_stat_statements.track_utility", kBool},
    {"pg_stat_statements.track_planning", kBool},
    {"pg_stat_statements.save", kBool},
    {"auto_explain.log_min_duration", kTime, -1, kDay},
    {"auto_explain.log_analyze", kBool},
    {"auto_explain.log_buffers", kBool},
    {"auto_explain.log_timing", kBool},
    {"auto_explain.log_triggers", kBool},
    {"auto_explain.log_verbose", kBool},
    {"auto_explain.log_nested_statements", kBool},
    {"auto_explain.log_format", kEnum, 0, 0, "text|xml|json|yaml"},
    {"auto_explain.sample_rate", kReal, 0, 1000},
};

constexpr Refused kRefused[] = {
    {"allow_system_table_mods|archive_cleanup_command|archive_command|archive_mode|bonjour|"
     "bonjour_name|cluster_name|config_file|data_directory|data_sync_retry|event_source|"
     "external_pid_file|hba_file|hot_standby|ident_file|jit_provider|listen_addresses|"
     "log_destination|log_directory|log_file_mode|log_filename|log_rotation_age|"
     "log_rotation_size|log_truncate_on_rotation|logging_collector|"
     "pg_failover_slots.primary_dsn|pg_failover_slots.standby_slot_names|port|"
     "primary_conninfo|primary_slot_name|promote_trigger_file|recovery_end_command|"
     "recovery_min_apply_delay|recovery_target|recovery_target_action|"
     "recovery_target_inclusive|recovery_target_lsn|recovery_target_name|"
     "recovery_target_time|recovery_target_timeline|recovery_target_xid|"
     "restart_after_crash|restore_command|shared_preload_libraries|ssl|ssl_ca_file|"
     "ssl_cert_file|ssl_crl_file|ssl_dh_params_file|ssl_ecdh_curve|ssl_key_file|"
     "ssl_passphrase_command|ssl_passphrase_command_supports_reload|"
     "ssl_prefer_server_ciphers|stats_temp_directory|synchronized_standby_slots|"
     "synchronous_standby_names|syslog_facility|syslog_ident|syslog_sequence_numbers|"
     "syslog_split_messages|temp_tablespaces|unix_socket_directories|unix_socket_group|"
     "unix_socket_permissions",
     "CloudNativePG sets it itself and refuses any other value"},
    {"fsync|full_page_writes", "turning it off loses data after a crash, so it stays on"},
    {"wal_log_hints", "replicas are rewound after a failover with its help, so it stays on"},
    {"zero_damaged_pages", "it destroys data"},
    {"ignore_checksum_failure", "it hides damaged data"},
    {"dynamic_library_path|session_preload_libraries|local_preload_libraries",
     "it decides which code the server loads"},
    {"dynamic_shared_memory_type|shared_memory_type", "the operator sets it"},
};

}  // namespace

std::span<const Parameter> AllowedGucs() {
  return kAllowed;
}

std::span<const Refused> RefusedGucs() {
  return kRefused;
}

bool NeedsRestart(std::string_view name) {
  return OneOf(
      "max_connections|superuser_reserved_connections|max_prepared_transactions|"
      "max_locks_per_transaction|max_files_per_process|shared_buffers|huge_pages|"
      "max_worker_processes|max_wal_senders|max_replication_slots|"
      "max_logical_replication_workers|autovacuum_max_workers|autovacuum_freeze_max_age|"
      "wal_buffers|wal_level|track_activity_query_size|pg_stat_statements.max",
      name);
}

}  // namespace cnpg
