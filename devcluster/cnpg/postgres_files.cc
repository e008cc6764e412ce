#include "devcluster/cnpg/postgres_files.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "devcluster/operators/files.h"

namespace slipway::sim::operators::cnpg {

namespace {

constexpr char kConnections[] = "max_connections = ";
constexpr size_t kControlBytes = 1024;  // much more than the structure needs

uint32_t Crc32cStep(uint32_t crc, unsigned char byte) {
  crc ^= byte;
  for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  return crc;
}

// The offset of the checksum in pg_control, which covers all bytes before it. The offset differs
// between major versions, so we look for a checksum that fits. 0 when there is none.
size_t ChecksumOffset(const std::string& data) {
  uint32_t crc = 0xFFFFFFFFU;
  for (size_t at = 0; at + 4 <= data.size() && at < kControlBytes; ++at) {
    uint32_t stored = 0;
    std::memcpy(&stored, data.data() + at, 4);
    if (at >= 64 && at % 4 == 0 && stored == (crc ^ 0xFFFFFFFFU)) return at;
    crc = Crc32cStep(crc, static_cast<unsigned char>(data[at]));
  }
  return 0;
}

std::string Quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += c;
    if (c != '\n' && c != '\0') out += c;
  }
  return out + "'";
}

// Parameters of the Cluster that do no harm on a laptop.
constexpr const char* kHarmless[] = {"archive_timeout",
                                     "work_mem",
                                     "maintenance_work_mem",
                                     "effective_cache_size",
                                     "random_page_cost",
                                     "default_statistics_target",
                                     "statement_timeout",
                                     "lock_timeout",
                                     "idle_in_transaction_session_timeout",
                                     "log_min_duration_statement",
                                     "TimeZone",
                                     "timezone",
                                     "max_slot_wal_keep_size"};

}  // namespace

std::string ServerConfig(const ServerSettings& settings) {
  std::ostringstream out;
  out << "listen_addresses = '127.0.0.1'\nport = " << settings.port
      << "\nunix_socket_directories = " << Quoted(settings.socket_dir)
      << "\nshared_buffers = 16MB\nfsync = off\nhuge_pages = off\njit = off\nwal_level = "
         "replica\nwal_log_hints = on\n"
         "max_wal_senders = 12\nmax_replication_slots = 12\nwal_keep_size = 256MB\nmin_wal_size = "
         "8MB\nmax_wal_size = 128MB\n"
         "hot_standby = on\nwal_retrieve_retry_interval = 200ms\nwal_receiver_timeout = "
         "5s\nwal_sender_timeout = 5s\n"
         "bgwriter_delay = 5s\nautovacuum_naptime = 60s\nlogging_collector = off\nlog_destination "
         "= stderr\n"
         "password_encryption = 'scram-sha-256'\narchive_mode = on\narchive_timeout = "
         "5min\narchive_command = "
      << Quoted(settings.archive_command) << "\n";
  int connections = std::atoi(settings.parameters["max_connections"].AsString("100").c_str());
  if (connections < 20 || connections > 1000) connections = 100;
  out << kConnections
      << std::max({connections, settings.least_connections, settings.recovery.least_connections})
      << "\n";
  for (const char* name : kHarmless)
    if (settings.parameters[name].is_string())
      out << name << " = " << Quoted(settings.parameters[name].AsString()) << "\n";
  if (settings.tls)
    out << "ssl = on\nssl_cert_file = '../server.crt'\nssl_key_file = '../server.key'\n";
  if (settings.upstream_port != 0) {
    out << "primary_conninfo = 'host=" << settings.socket_dir << " port=" << settings.upstream_port
        << " user=postgres application_name=" << settings.name << "'\n";
  }
  for (const auto& [name, value] : settings.recovery.lines)
    out << name << " = " << Quoted(value) << "\n";
  return out.str();
}

int ConnectionsOf(const std::string& config) {
  const size_t at = config.find(kConnections);
  return at == std::string::npos ? 0 : std::atoi(config.c_str() + at + sizeof kConnections - 1);
}

std::string HostAccess() {
  return "# The socket's directory is private to the account the server runs as.\n"
         "local all all trust\nlocal replication all trust\n"
         "host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n";
}

Result<void> NewSystemIdentifier(const std::string& pgdata, uint64_t identifier) {
  const std::string path = pgdata + "/global/pg_control";
  std::string data = ReadFile(path);
  const size_t at = data.size() < kControlBytes ? 0 : ChecksumOffset(data);
  if (at == 0) return Error{Code::kInternal, "UnknownControlFile", "no checksum found in " + path};
  std::memcpy(data.data(), &identifier, sizeof identifier);
  uint32_t crc = 0xFFFFFFFFU;
  for (size_t i = 0; i < at; ++i) crc = Crc32cStep(crc, static_cast<unsigned char>(data[i]));
  crc ^= 0xFFFFFFFFU;
  std::memcpy(data.data() + at, &crc, 4);
  // We write in place, so that the file keeps its owner.
  std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
  out.write(data.data(), static_cast<std::streamsize>(data.size()));
  if (!out.flush()) return Error{Code::kInternal, "WriteFailed", "cannot write " + path};
  return {};
}

std::string Literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
  return out + "'";
}

std::string Identifier(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += c;
    out += c;
  }
  return out + "\"";
}

uint64_t SystemIdentifier(const std::string& pgdata) {
  const std::string data = ReadFile(pgdata + "/global/pg_control");
  uint64_t out = 0;
  if (data.size() >= sizeof out) std::memcpy(&out, data.data(), sizeof out);
  return out;
}

}  // namespace slipway::sim::operators::cnpg
