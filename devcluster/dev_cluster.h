#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "devcluster/behaviour.h"
#include "kube/client.h"

namespace slipway::sim {

struct DevClusterOptions {
  uint16_t port = 0;        // 0 takes any free port; the address is always 127.0.0.1
  std::string state_file;   // objects survive a restart here; "" keeps them in memory only
  std::string crds_dir;     // real CRDs (YAML) instead of our own short ones; "" for ours
  std::string request_log;  // for tests: one JSON line per request; "" for none
  bool behaviours = true;   // run the operators' behaviours
  bool controllers = true;  // garbage collection, namespaces
  BehaviourOptions behaviour;
};

// The development cluster: an in-memory API server over HTTP, the controllers that every cluster
// has, and the operators' behaviours as clients of it. `slipway-sim` wraps it in a main().
class DevCluster {
 public:
  DevCluster(DevClusterOptions options, const Clock& clock, Logger& log, Metrics& metrics);
  ~DevCluster();  // Stop()
  DevCluster(const DevCluster&) = delete;
  DevCluster& operator=(const DevCluster&) = delete;

  Result<void> Start();
  void Stop();
  uint16_t port() const;
  kube::Config config() const;     // how a client reaches the cluster
  std::string Kubeconfig() const;  // the same as a kubeconfig file

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::sim
