#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "kube/client.h"

namespace slipway::sim {

// An operator's behaviour: a Kubernetes client of its own that watches custom resources and writes
// what we saw the real operator write. It runs against the simulator and against a real API server
// alike. Destroying it stops its threads and its database processes, if it has any.
class Behaviour {
 public:
  virtual ~Behaviour() = default;
};

struct BehaviourOptions {
  // Scales the waits of the recorded time lines: 1 is the real pace, 0 does not wait at all.
  double pace = 0.02;
  // Where database processes keep their files; "" runs none ("pods" become ready by themselves).
  std::string data_dir;
  // Directory of PostgreSQL's server programs; "" takes the newest /usr/lib/postgresql/*/bin.
  std::string postgres_bin;
  // Names the server that runs behind MySQL, one of those that the behaviour knows; "" for
  // MariaDB's.
  std::string mysql_server;
  // Directory of the server's programs; "" looks where the system keeps MariaDB's.
  std::string mysql_bin;
  // FerretDB's program; "" looks for ferretdb on PATH.
  std::string ferretdb;
  // Directories of other programs that a behaviour can run, by name.
  std::map<std::string, std::string> programs;
};

// Checks the server that the options name. kNotFound lists everything that this server lacks;
// kInvalid means that no server has this name.
Result<void> CheckMysqlServer(const BehaviourOptions& options);

// True when a behaviour plays the custom resources of this API group, or when nobody needs to.
bool HasPlayer(std::string_view group);

// Starts all of the behaviours below, each with a client of its own.
std::vector<std::unique_ptr<Behaviour>> StartBehaviours(const kube::Config& cluster,
                                                        const BehaviourOptions& options,
                                                        const Clock& clock, Logger& log,
                                                        Metrics& metrics);

// CloudNativePG 1.30 (devcluster/cnpg).
std::unique_ptr<Behaviour> StartCnpg(const kube::Config& cluster, const BehaviourOptions& options,
                                     const Clock& clock, Logger& log, Metrics& metrics);

// MongoDB Controllers for Kubernetes 1.10, replica sets only (devcluster/mongodb).
std::unique_ptr<Behaviour> StartMongodb(const kube::Config& cluster,
                                        const BehaviourOptions& options, const Clock& clock,
                                        Logger& log, Metrics& metrics);

// Vitess operator 2.17 (devcluster/vitess).
std::unique_ptr<Behaviour> StartVitess(const kube::Config& cluster, const BehaviourOptions& options,
                                       const Clock& clock, Logger& log, Metrics& metrics);

// Kubernetes' own controllers and kubelets for everything that no operator plays: for objects that
// have no owner in one of `groups` (devcluster/workloads). It runs no program.
std::unique_ptr<Behaviour> StartWorkloads(const kube::Config& cluster,
                                          const BehaviourOptions& options,
                                          const std::vector<std::string>& groups,
                                          const Clock& clock, Logger& log, Metrics& metrics);

}  // namespace slipway::sim
