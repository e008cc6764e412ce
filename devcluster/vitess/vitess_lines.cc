#include "devcluster/vitess/vitess_lines.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "base/clock.h"
#include "devcluster/vitess/bucket_files.h"
#include "devcluster/vitess/mysql_files.h"
#include "devcluster/vitess/names.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr char kLoopback[] = "127.0.0.1";

std::string Address(int port) {
  return std::string(kLoopback) + ":" + std::to_string(port);
}

std::string Flag(const std::string& name, const std::string& value) {
  return "--" + name + "=" + value;
}

std::string Flag(const std::string& name, int value) {
  return Flag(name, std::to_string(value));
}

void Append(Line& to, const Line& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// The last flag wins, so these come at the end. The author may have written names with dashes or
// underscores.
void AppendExtra(Line& to, const Json& extra_flags) {
  for (const auto& [name, value] : extra_flags.members())
    to.push_back(Flag(name, value.AsString()));
}

Line Topo(const VitessPlace& place) {
  return {Flag("topo-implementation", "etcd2"),
          Flag("topo-global-server-address", Address(place.etcd)),
          Flag("topo-global-root", place.topo_root + "/global")};
}

Line Backups(const VitessPlace& place) {
  if (place.bucket.empty()) return {};
  return {"--backup-engine-implementation=builtin", "--backup-storage-implementation=file",
          Flag("file-backup-storage-root", place.bucket)};
}

Line Listening(int http, int grpc) {
  Line out{Flag("port", http), Flag("bind-address", kLoopback), "--onterm-timeout=2s"};
  if (grpc != 0) Append(out, {Flag("grpc-port", grpc), Flag("grpc-bind-address", kLoopback)});
  return out;
}

}  // namespace

VitessPlace PlaceOf(const ClusterSpec& spec, int etcd, const std::string& buckets) {
  return {"/vitess/" + spec.name, etcd, BucketRoot(spec, buckets)};
}

Line EtcdLine(const std::string& directory, int client, int peer) {
  const std::string at = "http://" + Address(client), among = "http://" + Address(peer);
  return {Flag("name", "etcd"),
          Flag("data-dir", directory + "/data"),
          Flag("listen-client-urls", at),
          Flag("advertise-client-urls", at),
          Flag("listen-peer-urls", among),
          Flag("initial-advertise-peer-urls", among),
          Flag("initial-cluster", "etcd=" + among),
          "--logger=zap",
          "--log-level=warn"};
}

Line VtctldLine(const VitessPlace& place, const std::string& cell, int http, int grpc) {
  Line out = Topo(place);
  Append(out, Listening(http, grpc));
  Append(out, {Flag("cell", cell), "--service-map=grpc-vtctl,grpc-vtctld"});
  Append(out, Backups(place));
  return out;
}

Line VtorcLine(const VitessPlace& place, const std::string& shard, const std::string& cell,
               int http, const Json& extra_flags) {
  Line out = Topo(place);
  Append(out, Listening(http, 0));
  Append(out, {Flag("cell", cell), Flag("clusters-to-watch", shard), "--instance-poll-time=1s",
               "--topo-information-refresh-duration=3s"});
  AppendExtra(out, extra_flags);
  return out;
}

Line VtgateLine(const VitessPlace& place, const VtgateSettings& settings, const Json& extra_flags) {
  Line out = Topo(place);
  Append(out, Listening(settings.http, settings.grpc));
  Append(out, {Flag("cell", settings.cell), Flag("cells-to-watch", settings.cells),
               "--service-map=grpc-vtgateservice", "--tablet-types-to-wait=PRIMARY,REPLICA",
               Flag("mysql-server-port", settings.mysql),
               Flag("mysql-server-bind-address", kLoopback), "--mysql-auth-server-impl=static",
               Flag("mysql-auth-server-static-file", settings.users_file),
               "--mysql-auth-static-reload-interval=30s", "--enable-buffer",
               "--buffer-min-time-between-failovers=20s", "--buffer-size=1000"});
  AppendExtra(out, extra_flags);
  return out;
}

Line MysqlctldLine(const Tablet& tablet, const TabletSettings& settings) {
  return {Flag("tablet-uid", std::to_string(tablet.uid)),
          Flag("mysql-port", settings.mysql),
          Flag("socket-file", settings.control_socket),
          Flag("init-db-sql-file", settings.init_script),
          "--db-charset=utf8mb4",
          Flag("bind-address", kLoopback),
          "--wait-time=5m"};
}

Line VttabletLine(const VitessPlace& place, const Keyspace& keyspace, const Shard& shard,
                  const Tablet& tablet, const TabletSettings& settings) {
  Line out = Topo(place);
  Append(out, Listening(settings.http, settings.grpc));
  Append(out,
         {Flag("tablet-path", tablet.alias), Flag("tablet-hostname", kLoopback),
          Flag("init-keyspace", keyspace.name), Flag("init-shard", shard.range),
          Flag("init-tablet-type", tablet.pool_type == "rdonly" ? "rdonly" : "replica"),
          Flag("init-db-name-override", keyspace.database),
          Flag("mysqlctl-socket", settings.control_socket), "--db-charset=utf8mb4",
          "--service-map=grpc-queryservice,grpc-tabletmanager,grpc-updatestream",
          "--health-check-interval=3s", "--enable-replication-reporter",
          "--shutdown-grace-period=1s", "--queryserver-config-max-result-size=100000",
          "--queryserver-config-query-timeout=900s", "--queryserver-config-transaction-cap=300"});
  if (!place.bucket.empty()) {
    Append(out, Backups(place));
    Append(out, {"--restore-from-backup", "--wait-for-backup-interval=10s"});
  }
  AppendExtra(out, tablet.pool.At("/vttablet/extraFlags"));
  return out;
}

Line VtbackupLine(const VitessPlace& place, const BackupRun& run, const std::string& init_script,
                  int mysql) {
  Line out = Topo(place);
  Append(out, Backups(place));
  Append(out, {Flag("init-keyspace", run.keyspace.name), Flag("init-shard", run.shard.range),
               Flag("init-db-name-override", run.keyspace.database),
               Flag("init-db-sql-file", init_script), Flag("mysql-port", mysql),
               "--db-charset=utf8mb4"});
  if (run.initial) out.push_back("--initial-backup");
  return out;
}

Line BackupShardLine(const BackupRun& run) {
  Line out{"BackupShard"};
  AppendExtra(out, run.flags);
  out.push_back(run.keyspace.name + "/" + run.shard.range);
  return out;
}

std::string ExtraMyCnf(const Json& pool) {
  // The first lines make the server fit a laptop.
  return "[mysqld]\nbind-address=127.0.0.1\nmysqlx=OFF\ninnodb_buffer_pool_size=32M\n"
         "innodb_log_file_size=16M\ninnodb_flush_log_at_trx_commit=1\n"
         "innodb_log_buffer_size=2M\ninnodb_use_native_aio=OFF\ntable_open_cache=400\n"
         "performance_schema=OFF\n" +
         HarmlessMysqlOptions(ParseMysqlOptions(pool.At("/mysqld/configOverrides").AsString()));
}

std::vector<Line> SetUpLines(const ClusterSpec& spec, const VitessPlace& place) {
  std::vector<Line> out;
  for (const Cell& cell : spec.cells)
    out.push_back({"AddCellInfo", Flag("root", place.topo_root + "/" + cell.name),
                   Flag("server-address", Address(place.etcd)), cell.name});
  // MySQL's plugin for semi-synchronous replication is not available.
  for (const Keyspace& keyspace : spec.keyspaces)
    out.push_back({"CreateKeyspace", "--durability-policy=none", keyspace.name});
  return out;
}

BackupFile ParseBackup(const std::string& directory, const std::string& manifest) {
  BackupFile out;
  if (directory.size() < 18 || directory[10] != '.' || directory[17] != '.') return out;
  const std::string time = directory.substr(11, 6);
  out.start_ms = ParseTime(directory.substr(0, 10) + "T" + time.substr(0, 2) + ":" +
                           time.substr(2, 2) + ":" + time.substr(4) + "Z");
  out.by = directory.substr(18);
  out.uid = static_cast<uint32_t>(
      std::strtoul(out.by.substr(out.by.rfind('-') + 1).c_str(), nullptr, 10));
  const auto said = Json::Parse(manifest);
  if (!said) return out;
  out.end_ms = ParseTime((*said)["FinishedTime"].AsString());
  out.position = (*said)["Position"].AsString();
  out.engine = (*said)["BackupMethod"].AsString();
  out.incremental = (*said)["Incremental"].AsBool();
  return out;
}

Topology ParseTablets(const std::string& output, const Keyspace& keyspace, const Shard& shard) {
  Topology out;
  const auto list = Json::Parse(output);
  if (!list) return out;
  for (const Json& one : list->items()) {
    if (one["keyspace"].AsString() != keyspace.name || one["shard"].AsString() != shard.range)
      continue;
    const std::string alias = TabletAlias(one.At("/alias/cell").AsString(),
                                          static_cast<uint32_t>(one.At("/alias/uid").AsInt()));
    // The numbers of an enumeration. An old primary has 0, which vtctldclient leaves out.
    constexpr const char* kTypes[] = {"unknown",      "primary", "replica", "rdonly", "spare",
                                      "experimental", "backup",  "restore", "drained"};
    const auto number = static_cast<size_t>(one["type"].AsInt());
    const std::string type = number < std::size(kTypes) ? kTypes[number] : kTypes[0];
    if (type == "primary") out.primary = alias;
    out.tablets[alias] = type == "primary" ? "replica" : type;
  }
  return out;
}

}  // namespace slipway::sim::operators::vitess
