#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::sim::operators::cnpg {

// Files of a data directory. For one directory, only one caller at a time may use these functions.

// Further settings of a server that recovers from an archive.
struct RecoverySettings {
  std::vector<std::pair<std::string, std::string>> lines;  // names and unquoted values
  int least_connections = 0;                               // max_connections is at least this
};

struct ServerSettings {
  int port = 0;
  std::string socket_dir;
  int upstream_port = 0;      // 0 for a primary
  bool tls = false;           // server.crt and server.key beside the data directory
  std::string name;           // application_name of a replica
  Json parameters;            // of the Cluster; only the harmless ones are used
  int least_connections = 0;  // max_connections is at least this
  std::string archive_command;
  RecoverySettings recovery;
};

// The text of slipway.conf: little memory, no fsync (it is a development database), one port of
// 127.0.0.1.
std::string ServerConfig(const ServerSettings& settings);
int ConnectionsOf(const std::string& config);  // its max_connections; 0 without one
std::string HostAccess();                      // the text of pg_hba.conf
// Gives a copied directory a new system identifier in pg_control. The caller runs pg_resetwal
// afterwards, because the WAL holds the identifier too. kInternal when the form of pg_control is
// unknown or it cannot be written.
Result<void> NewSystemIdentifier(const std::string& pgdata, uint64_t identifier);
uint64_t SystemIdentifier(const std::string& pgdata);  // 0 when unreadable
// Quote a text, and a name, for an SQL statement.
std::string Literal(const std::string& text);
std::string Identifier(const std::string& text);

}  // namespace slipway::sim::operators::cnpg
