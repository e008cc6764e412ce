#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "devcluster/behaviour.h"
#include "devcluster/cnpg/pass.h"
#include "devcluster/operators/controller.h"

namespace slipway::sim::operators::cnpg {

// The operator without its watches. The kinds of its keys are cluster, backup and schedule. Any
// thread.
class Operator {
 public:
  // Runs no databases when the options name no directory for them, or when there are no server
  // programs.
  Operator(kube::Cluster& kube, const BehaviourOptions& options, const Clock& clock, Logger& log);
  ~Operator();  // stops the passes, then the databases

  Controller& controller() { return controller_; }

  void Wake(const std::string& key) { controller_.Wake(key); }

  // Wakes the Cluster; its next pass reads the secrets and the other objects again.
  void Refresh(const std::string& ns, const std::string& cluster);
  // Deletes the data of a claim that is gone.
  void VolumeGone(const std::string& uid);

  void Sweep() { controller_.Sweep(); }

  // Null without databases.
  PostgresRuntime* runtime() { return runtime_.get(); }

 private:
  Result<int64_t> Reconcile(const std::string& kind, const std::string& ns,
                            const std::string& name);
  Result<int64_t> ReconcileCluster(const std::string& ns, const std::string& name);
  ClusterMemory& MemoryOf(const std::string& key);
  void StopServersOf(const Json& pod);
  bool SweepVolumes();

  PassEnvironment env_;
  std::mutex mutex_;
  std::map<std::string, ClusterMemory> memories_;
  std::set<std::string> stale_;
  std::unique_ptr<PostgresRuntime> runtime_;
  Controller controller_;
};

}  // namespace slipway::sim::operators::cnpg
