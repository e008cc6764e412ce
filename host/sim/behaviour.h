#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "kube/client.h"

namespace slipway::sim {

// An operator's behaviour: a Kubernetes client of its own that watches custom resources and writes
// what the real operator was seen to write. It runs against the simulator and against a real API
// server alike. Destroying it stops its threads and, when it has any, its database processes.
class Behaviour {
 public:
  virtual ~Behaviour() = default;
};

struct BehaviourOptions {
  // Scales the waits of the recorded time lines: 1 is the real pace, 0 no waiting at all.
  double pace = 0.02;
  // Where database processes keep their files; "" runs none ("pods" become ready by themselves).
  std::string data_dir;
  // Directory of PostgreSQL's server programs; "" looks for the newest /usr/lib/postgresql/*/bin.
  std::string postgres_bin;
  // Directory of MariaDB's server programs; "" looks for them where the system has them.
  std::string mysql_bin;
};

// All of the operators below, each with a client of its own.
std::vector<std::unique_ptr<Behaviour>> StartBehaviours(const kube::Config& cluster,
                                                        const BehaviourOptions& options,
                                                        const Clock& clock, Logger& log,
                                                        Metrics& metrics);

// CloudNativePG 1.30 (host/sim/cnpg).
std::unique_ptr<Behaviour> StartCnpg(const kube::Config& cluster, const BehaviourOptions& options,
                                     const Clock& clock, Logger& log, Metrics& metrics);

// MongoDB Controllers for Kubernetes 1.10, its replica sets (host/sim/mongodb). Runs no database.
std::unique_ptr<Behaviour> StartMongodb(const kube::Config& cluster,
                                        const BehaviourOptions& options, const Clock& clock,
                                        Logger& log, Metrics& metrics);

// Vitess operator 2.17 (host/sim/vitess).
std::unique_ptr<Behaviour> StartVitess(const kube::Config& cluster, const BehaviourOptions& options,
                                       const Clock& clock, Logger& log, Metrics& metrics);

}  // namespace slipway::sim
