#include "devcluster/vitess/servers.h"

#include <unistd.h>

namespace slipway::sim {

namespace operators::vitess {

std::string VitessPrograms(const BehaviourOptions& options) {
  const auto found = options.programs.find(kVitess);
  return found == options.programs.end() ? "" : found->second;
}

std::unique_ptr<Servers> MakeServers(const BehaviourOptions& options, const Clock& clock,
                                     Logger& log, Servers::OnChange on_change) {
  if (options.mysql_server != kVitess)
    return MakeMariadbServers(options, clock, log, std::move(on_change));
  auto made = MakeVitessServers(options, clock, log, std::move(on_change));
  if (made) return *std::move(made);
  log.Error("sim.vitess_unavailable", {{"error", made.error().message}});
  BehaviourOptions none = options;
  none.data_dir = "";
  return MakeMariadbServers(none, clock, log, {});
}

}  // namespace operators::vitess

using operators::vitess::kVitess;
using operators::vitess::VitessPrograms;

Result<void> CheckMysqlServer(const BehaviourOptions& options) {
  constexpr char kMariadb[] = "mariadb";
  if (options.mysql_server.empty() || options.mysql_server == kMariadb) return {};
  if (options.mysql_server != kVitess)
    return Error{Code::kInvalid, "UnknownServer",
                 "--mysql-server is mariadb or vitess, not " + options.mysql_server};
  const std::string vitess = VitessPrograms(options);
  std::string missing;
  const auto need = [&missing](const std::string& path, const std::string& from) {
    if (access(path.c_str(), X_OK) != 0) missing += "\n  " + path + ", " + from;
  };
  if (options.data_dir.empty()) missing += "\n  --data-dir, where the servers keep their files";
  for (const char* program :
       {"vtgate", "vttablet", "vtctld", "vtorc", "mysqlctld", "vtctldclient", "vtbackup"})
    need(vitess + "/" + program,
         vitess.empty() ? "name its directory with --programs vitess DIR" : "of --programs vitess");
  need(options.mysql_bin + "/mysqld",
       options.mysql_bin.empty() ? "name its directory with --mysql-bin" : "of --mysql-bin");
  need("/usr/bin/etcd", "of Debian's etcd-server");
  need("/usr/bin/mariadb", "of Debian's mariadb-client-core");
  if (missing.empty()) return {};
  return Error{Code::kNotFound, "NoVitess",
               "--mysql-server vitess needs what is not there:" + missing};
}

}  // namespace slipway::sim
