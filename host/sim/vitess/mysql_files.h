#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sim/vitess/mysql_accounts.h"

namespace slipway::sim::operators::vitess {

// What is written for MariaDB's programs and read from them. Pure, but for the identity and
// the last.

// Who the runtime is to its servers; the hashes change with every life of the runtime.
inline constexpr char kAdminUser[] = "slipway";        // only through the socket
inline constexpr char kReplicationUser[] = "vt_repl";  // only from 127.0.0.1

struct MysqlSettings {
  int port = 0;
  std::string server_id, data, temporary, socket, pid_file, init_file, base;
  Json parameters;  // only harmless ones are taken
};

// server.cnf: small memory, one loopback port, a binary log for replicas. Starts read-only and not
// replicating.
std::string MysqlServerConfig(const MysqlSettings& settings);
uint32_t NewMysqlServerId();
// Statements that leave no way into a new data directory.
std::string MysqlTemplateSql();
// Statements that let the runtime in, run at every start.
std::string MysqlInitSql(const std::string& admin_hash, const std::string& replication_hash);

// Makes the database and the accounts what is listed; `present` are the accounts there are.
// kInvalid for names that must not be used.
Result<std::string> MysqlAccountsSql(const std::string& database,
                                     const std::vector<MysqlAccount>& accounts,
                                     const std::vector<std::string>& present);
// Lists the accounts tenants have as hex, one a line.
std::string MysqlPresentSql();
std::vector<std::string> ParseMysqlPresent(const std::string& output);
std::string MysqlFollowSql(int port, const std::string& password);

struct ReplicaStatus {
  bool io = false, sql = false;  // the threads run
  bool known_lag = false;
  int io_error = 0, sql_error = 0;
  std::string message;      // of the error
  std::string io_position;  // GTIDs received

  bool replicates() const { return io && sql && known_lag; }

  bool broken() const;  // and does not mend by itself
};

ReplicaStatus ParseReplicaStatus(const std::string& output);  // of SHOW SLAVE STATUS, vertical

// Whether a primary with this binary log state has all that a server with this position has.
bool GtidContains(const std::string& state, const std::string& position);
uint64_t GtidCount(const std::string& position);

// Whether a server greets who connects to its socket. Waits for at most a fifth of a second.
bool MysqlGreets(const std::string& socket_path);

}  // namespace slipway::sim::operators::vitess
