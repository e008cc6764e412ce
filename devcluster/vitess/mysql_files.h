#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "devcluster/vitess/mysql_accounts.h"

namespace slipway::sim::operators::vitess {

// Texts that we write for MariaDB's programs and texts that we read from them. Pure, except for
// NewMysqlServerId() and MysqlGreets().

// How the runtime logs in to its servers. Its passwords change with every life of the runtime.
inline constexpr char kAdminUser[] = "slipway";        // only through the socket
inline constexpr char kReplicationUser[] = "vt_repl";  // only from 127.0.0.1

// Parses the lines of a my.cnf. Dashes in names become underscores.
Json ParseMysqlOptions(const std::string& lines);
// Picks the options that mean the same on a laptop as in a pod; returns lines of a my.cnf.
std::string HarmlessMysqlOptions(const Json& parameters);

struct MysqlSettings {
  int port = 0;
  std::string server_id, data, temporary, socket, pid_file, init_file, base;
  Json parameters;  // only harmless parameters are used
};

// Writes server.cnf: little memory, one loopback port, and a binary log for replicas. The server
// starts read-only and does not replicate.
std::string MysqlServerConfig(const MysqlSettings& settings);
uint32_t NewMysqlServerId();
// Statements that leave no way into a new data directory.
std::string MysqlTemplateSql();
// Statements that let the runtime in. They run at every start.
std::string MysqlInitSql(const std::string& admin_hash, const std::string& replication_hash);

// Statements that make the database and the listed accounts. `present` are the existing accounts.
// kInvalid for names that must not be used.
Result<std::string> MysqlAccountsSql(const std::string& database,
                                     const std::vector<MysqlAccount>& accounts,
                                     const std::vector<std::string>& present);
std::string FirstLine(const std::string& text);
// A statement that lists the tenants' accounts as hex, one per line.
std::string MysqlPresentSql();
std::vector<std::string> ParseMysqlPresent(const std::string& output);
// Statements that leave, in a server that has followed another, nothing of that and no tenants'
// account.
std::string MysqlForgetSql();
std::string MysqlFollowSql(int port, const std::string& password);

struct ReplicaStatus {
  bool io = false, sql = false;  // whether the threads run
  bool known_lag = false;
  int io_error = 0, sql_error = 0;
  std::string message;      // of the error
  std::string io_position;  // GTIDs received

  bool replicates() const { return io && sql && known_lag; }

  bool broken() const;  // and it does not recover by itself
};

ReplicaStatus ParseReplicaStatus(const std::string& output);  // of SHOW SLAVE STATUS, vertical

// True when a primary with this binary log state has everything that a server at this position has.
bool GtidContains(const std::string& state, const std::string& position);
uint64_t GtidCount(const std::string& position);

// True when a server sends its greeting on the socket. Waits for at most 200 ms.
bool MysqlGreets(const std::string& socket_path);

}  // namespace slipway::sim::operators::vitess
