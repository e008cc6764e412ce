#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::sim::operators::cnpg {

// Files of a data directory. None of it is safe for more than one caller a directory.

// What a server that recovers from an archive is told besides.
struct RecoverySettings {
  std::vector<std::pair<std::string, std::string>> lines;  // of the configuration, unquoted
  int least_connections = 0;
};

struct ServerSettings {
  int port = 0;
  std::string socket_dir;
  int upstream_port = 0;  // 0 for a primary
  bool tls = false;       // server.crt and server.key beside the data directory
  std::string name;       // application_name of a replica
  Json parameters;        // of the Cluster; only harmless ones are taken
  int least_connections = 0;
  std::string archive_command;
  RecoverySettings recovery;
};

// slipway.conf: small memory, no fsync (a development database), one loopback port.
std::string ServerConfig(const ServerSettings& settings);
int ConnectionsOf(const std::string& config);  // its max_connections
std::string HostAccess();                      // pg_hba.conf
// A copied directory gets a system identifier of its own in pg_control. The caller runs
// pg_resetwal afterwards, because the identifier is in the WAL too.
Result<void> NewSystemIdentifier(const std::string& pgdata, uint64_t identifier);
uint64_t SystemIdentifier(const std::string& pgdata);  // 0 when unreadable
// A text for a statement, and a name for one.
std::string Literal(const std::string& text);
std::string Identifier(const std::string& text);

}  // namespace slipway::sim::operators::cnpg
