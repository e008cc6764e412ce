#include "options.h"

#include <algorithm>

namespace vitess {

namespace {

using enum ParameterType;

constexpr int64_t kYear = 31536000;

constexpr Parameter kAllowed[] = {
    // Connections and time-outs. vtgate's clients share the pools of the tablets.
    {"max_connections", kInt, 300, 10000},
    {"max_connect_errors", kInt, 1, 1000000},
    {"max_allowed_packet", kMemory, kMi, kGi},
    {"wait_timeout", kInt, 60, kYear},
    {"interactive_timeout", kInt, 60, kYear},
    {"net_read_timeout", kInt, 1, 3600},
    {"net_write_timeout", kInt, 1, 3600},
    {"lock_wait_timeout", kInt, 1, kYear},
    {"max_execution_time", kInt, 0, 86400000},
    {"thread_cache_size", kInt, 0, 1000},
    {"table_open_cache", kInt, 200, 65536},
    {"table_definition_cache", kInt, 400, 65536},
    // InnoDB. CheckTogether checks limits that depend on the instance's size.
    {"innodb_buffer_pool_size", kMemory, 64 * kMi, 4096 * kGi},
    {"innodb_redo_log_capacity", kMemory, 100 * kMi, 128 * kGi},
    {"innodb_log_buffer_size", kMemory, kMi, kGi},
    {"innodb_io_capacity", kInt, 100, 100000},
    {"innodb_io_capacity_max", kInt, 100, 200000},
    {"innodb_read_io_threads", kInt, 1, 64},
    {"innodb_write_io_threads", kInt, 1, 64},
    {"innodb_purge_threads", kInt, 1, 32},
    {"innodb_lock_wait_timeout", kInt, 1, 3600},
    {"innodb_flush_neighbors", kEnum, 0, 0, "0|1|2"},
    {"innodb_adaptive_hash_index", kBool},
    {"innodb_max_dirty_pages_pct", kReal, 0, 99990},
    {"innodb_print_all_deadlocks", kBool},
    {"innodb_rollback_on_timeout", kBool},
    {"innodb_stats_persistent_sample_pages", kInt, 1, 100000},
    {"innodb_sort_buffer_size", kMemory, 64 * kKi, 64 * kMi},
    {"innodb_online_alter_log_max_size", kMemory, 64 * kKi, 64 * kGi},
    {"innodb_ft_min_token_size", kInt, 0, 16},
    // Each session.
    {"sort_buffer_size", kMemory, 32 * kKi, 256 * kMi},
    {"join_buffer_size", kMemory, kKi, 256 * kMi},
    {"read_buffer_size", kMemory, 8 * kKi, 256 * kMi},
    {"read_rnd_buffer_size", kMemory, kKi, 256 * kMi},
    {"tmp_table_size", kMemory, kMi, 4 * kGi},
    {"max_heap_table_size", kMemory, kMi, 4 * kGi},
    {"group_concat_max_len", kInt, 4, 1073741824},
    {"eq_range_index_dive_limit", kInt, 0, 100000},
    {"optimizer_search_depth", kInt, 0, 62},
    {"long_query_time", kReal, 0, 3600000},
    // The binary log. Incremental backups and new replicas read it.
    {"binlog_expire_logs_seconds", kInt, 86400, 2592000},
    {"binlog_cache_size", kMemory, 4 * kKi, 64 * kMi},
    {"max_binlog_size", kMemory, 16 * kMi, kGi},
    {"performance_schema", kBool},
    {"performance_schema_max_digest_length", kInt, 0, 1048576},
};

constexpr Refused kRefused[] = {
    {"datadir|socket|port|bind_address|server_id|server_uuid|report_host|tmpdir|pid_file|log_error|"
     "log_bin|relay_log|innodb_data_home_dir|innodb_log_group_home_dir|secure_file_priv|"
     "plugin_dir|plugin_load|plugin_load_add|read_only|super_read_only|skip_networking",
     "the operator sets it"},
    {"gtid_mode|enforce_gtid_consistency|log_replica_updates|log_slave_updates|binlog_format|"
     "binlog_row_image|lower_case_table_names|sql_mode|character_set_server|collation_server|"
     "default_storage_engine|rpl_semi_sync_source_timeout|rpl_semi_sync_source_enabled|"
     "rpl_semi_sync_replica_enabled",
     "Vitess depends on its value"},
    {"innodb_flush_log_at_trx_commit|sync_binlog|innodb_doublewrite|innodb_force_recovery|"
     "innodb_checksum_algorithm",
     "another value loses data after a crash"},
    {"skip_grant_tables|init_file|init_connect|local_infile|general_log|general_log_file|"
     "slow_query_log|slow_query_log_file|default_authentication_plugin",
     "it opens the server or fills its volume"},
};

// "512M", "64K", "2G" or a plain number of bytes.
std::optional<int64_t> MysqlBytes(std::string_view text, int64_t = 1) {
  int shift = 0;
  if (!text.empty()) {
    const size_t unit = std::string_view("KMGT").find(text.back());
    if (unit != std::string_view::npos) {
      shift = 10 * (static_cast<int>(unit) + 1);
      text.remove_suffix(1);
    }
  }
  const auto number = Integer(text);
  if (!number || *number < 0 || *number > (int64_t{1} << 60) >> shift) return std::nullopt;
  return *number << shift;
}

std::string FromMysqlBytes(int64_t bytes) {
  for (const auto& [unit, shift] : {std::pair('G', 30), std::pair('M', 20), std::pair('K', 10)}) {
    if (bytes > 0 && bytes % (int64_t{1} << shift) == 0)
      return std::to_string(bytes >> shift) + unit;
  }
  return std::to_string(bytes);
}

const ParameterList& List() {
  static const ParameterList kList = {
      kAllowed,
      kRefused,
      {MysqlBytes, FromMysqlBytes,
       "must be a whole number with the unit K, M or G, such as \"64M\""}};
  return kList;
}

int64_t BytesOf(const ParameterValues& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? 0 : MysqlBytes(found->second).value_or(0);
}

void FillDefaults(const Sizing& sizing, ParameterValues& values) {
  const auto fill = [&](const char* name, const std::string& value) {
    values.try_emplace(name, value);
  };
  const int64_t memory = sizing.memory_bytes;
  const bool small = memory < kGi;
  // MySQL rounds up to pieces of 128M. The memory beside the pool is much of a small instance.
  const int64_t pool = small ? memory / 4 : memory * 6 / 10;
  fill("innodb_buffer_pool_size",
       FromMysqlBytes(std::max(pool / (128 * kMi), int64_t{1}) * 128 * kMi));
  const int64_t redo =
      std::clamp(std::min(memory / 2, sizing.storage_bytes / 10), 100 * kMi, 8 * kGi);
  fill("innodb_redo_log_capacity", FromMysqlBytes(redo / kMi * kMi));
  fill("max_connections", std::to_string(std::clamp<int64_t>(memory / (4 * kMi), 400, 4000)));
  fill("binlog_expire_logs_seconds", small ? "259200" : "604800");
  if (small) {
    fill("performance_schema_max_digest_length", "1024");
    fill("table_open_cache", "400");
    fill("table_definition_cache", "400");
  }
}

void CheckTogether(const Sizing& sizing, const ParameterValues& values, const Complain& complain) {
  const auto at_most = [&](const char* name, int64_t limit, const std::string& of) {
    if (BytesOf(values, name) <= limit) return;
    complain(ParameterPointer(name), "ParameterOutOfRange",
             std::string(name) + " = " + values.at(name) + " is more than " + of);
  };
  const int64_t memory = MysqldMemoryLimit(sizing);
  const std::string of_memory = "of mysqld's memory of " + FromBytes(memory);
  at_most("innodb_buffer_pool_size", memory * 3 / 4, "three quarters " + of_memory);
  for (const char* name : {"sort_buffer_size", "join_buffer_size", "read_buffer_size",
                           "read_rnd_buffer_size", "innodb_log_buffer_size"})
    at_most(name, memory / 8, "an eighth " + of_memory);
  for (const char* name : {"tmp_table_size", "max_heap_table_size"})
    at_most(name, memory / 4, "a quarter " + of_memory);
  for (const char* name : {"innodb_redo_log_capacity", "innodb_online_alter_log_max_size"}) {
    at_most(name, sizing.storage_bytes / 4,
            "a quarter of the instance's storage of " + FromBytes(sizing.storage_bytes));
  }
  const auto capacity = [&](const char* name, int64_t otherwise) {
    const auto found = values.find(name);
    return found == values.end() ? otherwise : Integer(found->second).value_or(otherwise);
  };
  if (capacity("innodb_io_capacity", 0) > capacity("innodb_io_capacity_max", 200000)) {
    complain(ParameterPointer("innodb_io_capacity"), "ParameterConflict",
             "innodb_io_capacity must not be more than innodb_io_capacity_max");
  }
}

}  // namespace

int64_t MysqldMemoryLimit(const Sizing& sizing) {
  return std::max(sizing.memory_bytes, kGi);
}

ParameterValues NormalisedOptions(const Json& given, const Sizing& sizing,
                                  const Complain& complain) {
  auto values = ReadParameters(List(), given, complain);
  if (!values) return {};
  FillDefaults(sizing, *values);
  CheckTogether(sizing, *values, complain);
  return *std::move(values);
}

Json OptionsSchema() {
  return SchemaOf(List());
}

}  // namespace vitess
