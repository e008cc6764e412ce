#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "devcluster/behaviour.h"
#include "devcluster/operators/controller.h"
#include "devcluster/operators/ownership.h"

namespace slipway::sim::operators::workloads {

// Kubernetes' controllers of StatefulSets, Deployments, Jobs and CronJobs, its scheduler and its
// kubelets, for everything that no operator's behaviour plays. Keys are KIND/NAMESPACE/NAME with
// KIND pod, service, statefulset, replicaset, deployment, job or cronjob. Any thread may call it.
class Operator {
 public:
  // `groups`: the API groups of the operators' behaviours.
  Operator(kube::Cluster& kube, const BehaviourOptions& options, std::vector<std::string> groups,
           const Clock& clock, Logger& log);

  // The watches report objects of these kinds here; only their metadata is used.
  void Changed(const Json& object);

  Controller& controller() { return controller_; }

 private:
  void WakeControllerOf(const Json& object);
  Result<int64_t> Reconcile(const std::string& kind, const std::string& ns,
                            const std::string& name);
  Result<void> Play(Pass& pass, Json& object);
  Result<void> PlayService(Pass& pass, Json& service, const std::vector<Json>& pods);
  Result<std::vector<Json>> All(const char* api_version, const char* kind, const std::string& ns);
  PassMemory& MemoryOf(const std::string& key);

  PassEnvironment env_;
  Ownership ownership_;
  std::mutex mutex_;
  std::map<std::string, PassMemory> memories_;
  Controller controller_;
};

}  // namespace slipway::sim::operators::workloads
