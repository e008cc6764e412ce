#include "devcluster/vitess/mysql_files.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sstream>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <tuple>
#include <unistd.h>

#include "base/crypto.h"

namespace slipway::sim::operators::vitess {

namespace {

// Options that mean the same on a laptop as in a pod. Options for memory and files are not among
// them, nor are options that would open the server.
constexpr const char* kHarmless[] = {"character_set_server",
                                     "collation_server",
                                     "connect_timeout",
                                     "event_scheduler",
                                     "explicit_defaults_for_timestamp",
                                     "group_concat_max_len",
                                     "innodb_lock_wait_timeout",
                                     "innodb_print_all_deadlocks",
                                     "interactive_timeout",
                                     "join_buffer_size",
                                     "lock_wait_timeout",
                                     "log_bin_trust_function_creators",
                                     "long_query_time",
                                     "max_allowed_packet",
                                     "max_connections",
                                     "max_heap_table_size",
                                     "max_statement_time",
                                     "net_read_timeout",
                                     "net_write_timeout",
                                     "read_buffer_size",
                                     "sort_buffer_size",
                                     "sql_mode",
                                     "tmp_table_size",
                                     "transaction_isolation",
                                     "wait_timeout"};

// Writes a value for an option file. Returns "" when a file cannot hold the value, or when only
// MySQL knows it.
std::string OptionValue(const Json& value) {
  std::string text = value.is_string() ? value.AsString() : "";
  if (value.is_bool()) text = value.AsBool() ? "ON" : "OFF";
  if (value.is_number()) text = value.Dump();
  constexpr std::string_view kAllowed = "_,.:+-/ ";
  const bool plain = std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           kAllowed.find(c) != std::string_view::npos;
  });
  return plain && text.find("_0900_") == std::string::npos ? text : "";
}

std::string Trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::string PathValue(const std::string& path) {
  std::string out = "\"";
  for (const char c : path) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out + "\"";
}

// Our sessions have an empty sql_mode, so that a backslash escapes no matter how the server is set
// up.
constexpr char kPlainMode[] = "SET SESSION sql_mode='';\n";

std::string Quoted(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote || (c == '\\' && quote == '\'')) out += c;
    out += c;
  }
  return out + quote;
}

bool Printable(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < ' ' || c == 0x7F; });
}

// In a GRANT, the name of a database is a pattern, so we escape its special characters.
std::string Pattern(const std::string& database) {
  std::string out;
  for (const char c : database) {
    if (c == '_' || c == '%' || c == '\\') out += '\\';
    out += c;
  }
  return Quoted(out, '`');
}

bool IsSystemDatabase(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name == "mysql" || name == "sys" || name == "information_schema" ||
         name == "performance_schema";
}

std::string AccountName(const std::string& user) {
  return Quoted(user, '\'') + "@'%'";
}

using Gtid = std::tuple<uint64_t, uint64_t, uint64_t>;  // domain, server, number

std::vector<Gtid> ParseGtids(const std::string& text) {
  std::vector<Gtid> out;
  std::istringstream in(text);
  Gtid one;
  char dash = 0, comma = 0;
  while (in >> std::get<0>(one) >> dash >> std::get<1>(one) >> dash >> std::get<2>(one)) {
    out.push_back(one);
    if (!(in >> comma)) break;
  }
  return out;
}

}  // namespace

Json ParseMysqlOptions(const std::string& lines) {
  Json out = Json::MakeObject();
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos || Trimmed(line)[0] == '#') continue;
    std::string name = Trimmed(line.substr(0, equals));
    for (char& c : name) c = c == '-' ? '_' : c;
    out.Set(name, Trimmed(line.substr(equals + 1)));
  }
  return out;
}

std::string HarmlessMysqlOptions(const Json& parameters) {
  std::string out;
  for (const char* name : kHarmless) {
    const std::string value = OptionValue(parameters[name]);
    if (!value.empty()) out += std::string("loose_") + name + "=" + value + "\n";
  }
  return out;
}

std::string MysqlServerConfig(const MysqlSettings& settings) {
  std::ostringstream out;
  out << "[mysqld]\ncharacter-set-server=utf8mb4\n" << HarmlessMysqlOptions(settings.parameters);
  // A server deletes all temporary tables that it finds when it starts, even those of another
  // server. So each server needs a directory of its own.
  out << "datadir=" << PathValue(settings.data) << "\ntmpdir=" << PathValue(settings.temporary)
      << "\nbasedir=" << PathValue(settings.base) << "\nsocket=" << PathValue(settings.socket)
      << "\npid-file=" << PathValue(settings.pid_file)
      << "\ninit-file=" << PathValue(settings.init_file) << "\nport=" << settings.port
      << "\nserver-id=" << settings.server_id
      << "\nbind-address=127.0.0.1\nskip-name-resolve\nlocal-infile=OFF\n"
         "log-bin=binlog\nrelay-log=relay\nlog-slave-updates=ON\nbinlog-format=ROW\n"
         "gtid-strict-mode=ON\nread-only=ON\nskip-slave-start\nslave-net-timeout=10\n"
         "innodb-buffer-pool-size=16M\ninnodb-log-file-size=8M\ninnodb-log-buffer-size=2M\n"
         "innodb-buffer-pool-dump-at-shutdown=OFF\ninnodb-buffer-pool-load-at-startup=OFF\n"
         "innodb-use-native-aio=OFF\ninnodb-read-io-threads=1\ninnodb-write-io-threads=1\n"
         "innodb-purge-threads=1\ninnodb-temp-data-file-path=ibtmp1:1M:autoextend\n"
         "innodb-autoextend-increment=1\naria-pagecache-buffer-size=1M\nkey-buffer-size=64K\n"
         "query-cache-type=OFF\nquery-cache-size=0\ntable-open-cache=200\n"
         "performance-schema=OFF\nlog-warnings=1\n";
  return out.str();
}

uint32_t NewMysqlServerId() {
  uint32_t out = 0;
  while (out == 0) {
    const std::string bytes = RandomBytes(sizeof out);
    std::memcpy(&out, bytes.data(), sizeof out);
  }
  return out;
}

std::string MysqlTemplateSql() {
  return "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\n"
         "DELETE FROM mysql.proxies_priv;\nDELETE FROM mysql.db;\n";
}

std::string MysqlInitSql(const std::string& admin_hash, const std::string& replication_hash) {
  const std::string admin = std::string("'") + kAdminUser + "'@'localhost'";
  const std::string replication = std::string("'") + kReplicationUser + "'@'127.0.0.1'";
  return "SET SESSION sql_log_bin=0;\nCREATE OR REPLACE USER " + admin +
         " IDENTIFIED BY PASSWORD '" + admin_hash + "';\nGRANT ALL PRIVILEGES ON *.* TO " + admin +
         " WITH GRANT OPTION;\nCREATE OR REPLACE USER " + replication +
         " IDENTIFIED BY PASSWORD '" + replication_hash + "';\nGRANT REPLICATION SLAVE ON *.* TO " +
         replication + ";\n";
}

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::string MysqlPresentSql() {
  return "SELECT HEX(User) FROM mysql.global_priv WHERE Host='%';\n";
}

std::vector<std::string> ParseMysqlPresent(const std::string& output) {
  std::vector<std::string> out;
  std::istringstream in(output);
  for (std::string line; in >> line;) {
    std::string user;
    for (size_t i = 0; i + 1 < line.size(); i += 2)
      user += static_cast<char>(std::strtol(line.substr(i, 2).c_str(), nullptr, 16));
    out.push_back(std::move(user));
  }
  return out;
}

Result<std::string> MysqlAccountsSql(const std::string& database,
                                     const std::vector<MysqlAccount>& accounts,
                                     const std::vector<std::string>& present) {
  if (!Printable(database) || IsSystemDatabase(database))
    return Error{Code::kInvalid, "BadDatabase", "'" + database + "' is no name for a database"};
  std::string sql = kPlainMode;
  if (!database.empty()) sql += "CREATE DATABASE IF NOT EXISTS " + Quoted(database, '`') + ";\n";
  for (const MysqlAccount& account : accounts) {
    if (account.user.empty() || !Printable(account.user))
      return Error{Code::kInvalid, "BadUser", "'" + account.user + "' is no name for an account"};
    std::string how;
    for (const std::string& hash : account.hashes) {
      if (!IsMysqlNativeHash(hash))
        return Error{Code::kInvalid, "BadHash", "a password of '" + account.user + "' is no hash"};
      how += (how.empty() ? " IDENTIFIED VIA " : " OR ") +
             ("mysql_native_password USING '" + hash + "'");
    }
    if (how.empty())
      return Error{Code::kInvalid, "NoPassword", "'" + account.user + "' has no password"};
    const std::string name = AccountName(account.user);
    sql += "CREATE USER IF NOT EXISTS " + name + how + ";\nALTER USER " + name + how + ";\n";
    if (!database.empty())
      sql += "GRANT ALL PRIVILEGES ON " + Pattern(database) + ".* TO " + name + ";\n";
  }
  for (const std::string& user : present) {
    const bool listed = std::any_of(accounts.begin(), accounts.end(),
                                    [&user](const MysqlAccount& a) { return a.user == user; });
    if (!listed) sql += "DROP USER IF EXISTS " + AccountName(user) + ";\n";
  }
  return sql;
}

std::string MysqlForgetSql() {
  return "SET SESSION sql_log_bin=0;\nSTOP SLAVE;\nRESET SLAVE ALL;\n"
         "DELETE FROM mysql.global_priv WHERE Host='%';\nDELETE FROM mysql.db WHERE Host='%';\n";
}

std::string MysqlFollowSql(int port, const std::string& password) {
  // The binary log knows best how far a server is, whether it led or followed.
  return std::string(kPlainMode) +
         "STOP SLAVE;\nSET GLOBAL gtid_slave_pos=@@GLOBAL.gtid_binlog_pos;\n"
         "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=" +
         std::to_string(port) + ", MASTER_USER=" + Quoted(kReplicationUser, '\'') +
         ", MASTER_PASSWORD=" + Quoted(password, '\'') +
         ", MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos;\nSTART SLAVE;\n";
}

bool ReplicaStatus::broken() const {
  // 1236: the primary's log does not fit ours. 1593: the primary's identity does not fit ours.
  return (!io && (io_error == 1236 || io_error == 1593)) || (!sql && sql_error != 0);
}

ReplicaStatus ParseReplicaStatus(const std::string& output) {
  ReplicaStatus out;
  std::istringstream in(output);
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    const std::string name = line.substr(std::min(line.find_first_not_of(' '), colon),
                                         colon - std::min(line.find_first_not_of(' '), colon));
    const std::string value = line.substr(colon + 2);
    if (name == "Slave_IO_Running") out.io = value == "Yes";
    if (name == "Slave_SQL_Running") out.sql = value == "Yes";
    if (name == "Seconds_Behind_Master") out.known_lag = value != "NULL";
    if (name == "Last_IO_Errno") out.io_error = std::atoi(value.c_str());
    if (name == "Last_SQL_Errno") out.sql_error = std::atoi(value.c_str());
    if ((name == "Last_IO_Error" || name == "Last_SQL_Error") && !value.empty())
      out.message = value;
    if (name == "Gtid_IO_Pos") out.io_position = value;
  }
  return out;
}

bool GtidContains(const std::string& state, const std::string& position) {
  const std::vector<Gtid> there = ParseGtids(state);
  for (const Gtid& last : ParseGtids(position)) {
    const bool found = std::any_of(there.begin(), there.end(), [&last](const Gtid& one) {
      return std::get<0>(one) == std::get<0>(last) && std::get<1>(one) == std::get<1>(last) &&
             std::get<2>(one) >= std::get<2>(last);
    });
    if (!found) return false;
  }
  return true;
}

uint64_t GtidCount(const std::string& position) {
  uint64_t out = 0;
  for (const Gtid& last : ParseGtids(position)) out += std::get<2>(last);
  return out;
}

bool MysqlGreets(const std::string& socket_path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  char greeting[5] = {};  // length, sequence number, protocol version
  pollfd one{fd, POLLIN, 0};
  const bool ok = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                  poll(&one, 1, 200) == 1 && read(fd, greeting, sizeof greeting) == 5 &&
                  greeting[4] == 10;
  close(fd);
  return ok;
}

}  // namespace slipway::sim::operators::vitess
