#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "sim/behaviour.h"
#include "sim/operators/controller.h"
#include "sim/vitess/pass.h"
#include "sim/vitess/tablets.h"

namespace slipway::sim::operators::vitess {

// The operator without its watches. Keys are cluster/NAMESPACE/NAME and schedule/NAMESPACE/NAME.
// Any thread.
class Operator {
 public:
  Operator(kube::Cluster& kube, const BehaviourOptions& options, const Clock& clock, Logger& log);
  ~Operator();

  void ClusterChanged(const std::string& ns, const std::string& name);
  // Pods of the namespace's clusters may wait for it.
  void SecretChanged(const std::string& ns);

  void VolumeGone(const std::string& uid) { tablets_->VolumeGone(uid); }

  // After the first lists.
  void Sweep() { controller_.Sweep(); }

  Controller& controller() { return controller_; }

 private:
  Result<int64_t> Reconcile(const std::string& kind, const std::string& ns,
                            const std::string& name);
  Result<int64_t> ReconcileOne(const std::string& ns, const std::string& name);
  Result<int64_t> ReconcileBackups(const std::string& key, const std::string& ns,
                                   const std::string& name);
  // What the operator's manifest brings along.
  Result<void> EnsurePriorities();
  ClusterMemory& MemoryOf(const std::string& key);

  Environment env_;
  std::mutex mutex_;
  std::map<std::string, ClusterMemory> memories_;
  std::mutex manifest_mutex_;
  bool manifest_applied_ = false;
  Controller controller_;
  std::unique_ptr<Tablets> tablets_;  // the controller's passes use it, and it wakes them
};

}  // namespace slipway::sim::operators::vitess
