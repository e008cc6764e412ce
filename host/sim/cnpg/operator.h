#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "sim/behaviour.h"
#include "sim/cnpg/pass.h"
#include "sim/cnpg/work_queue.h"

namespace slipway::sim::cnpg {

// The operator without its watches: keys come in, passes run on a few workers. Keys are
// KIND/NAMESPACE/NAME with kinds cluster, backup, schedule, ending (a pod that is deleted). Any
// thread.
class Operator {
 public:
  Operator(kube::Cluster& kube, const BehaviourOptions& options, const Clock& clock, Logger& log);
  ~Operator();  // stops the workers, then the databases

  void Wake(const std::string& key);
  // The same, and the next pass reads the secrets and the other objects again.
  void Refresh(const std::string& ns, const std::string& cluster);
  void VolumeGone(const std::string& uid);
  // Deletes the data of volumes that disappeared while nobody looked. After the first lists.
  void Sweep();

  PostgresRuntime* runtime() { return runtime_.get(); }

 private:
  void Work(const std::string& key);
  ClusterMemory& MemoryOf(const std::string& key);
  Result<int64_t> ReconcileCluster(const std::string& key, const std::string& ns,
                                   const std::string& name);
  Result<int64_t> EndPod(const std::string& ns, const std::string& name);
  bool PlaysMachinery();
  void SweepNow();

  Logger& log_;
  PassEnvironment env_;
  std::mutex mutex_;
  std::map<std::string, ClusterMemory> memories_;
  std::map<std::string, int> failures_;
  std::set<std::string> stale_;
  std::once_flag machinery_once_;
  bool machinery_ = true;
  std::unique_ptr<PostgresRuntime> runtime_;
  WorkQueue queue_;
};

}  // namespace slipway::sim::cnpg
