#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "devcluster/behaviour.h"
#include "devcluster/operators/controller.h"
#include "devcluster/vitess/pass.h"
#include "devcluster/vitess/servers.h"

namespace slipway::sim::operators::vitess {

// The operator without its watches. Keys are cluster/NAMESPACE/NAME and schedule/NAMESPACE/NAME.
// Any thread may call it.
class Operator {
 public:
  Operator(kube::Cluster& kube, const BehaviourOptions& options, const Clock& clock, Logger& log);
  ~Operator();

  void ClusterChanged(const std::string& ns, const std::string& name);
  // Wakes the clusters in the namespace: their pods may wait for the secret.
  void SecretChanged(const std::string& ns);

  void OwnerGone(const std::string& uid) { servers_->OwnerGone(uid); }

  // Call it after the first lists.
  void Sweep() { controller_.Sweep(); }

  Controller& controller() { return controller_; }

 private:
  Result<int64_t> Reconcile(const std::string& kind, const std::string& ns,
                            const std::string& name);
  Result<int64_t> ReconcileOne(const std::string& ns, const std::string& name);
  Result<int64_t> ReconcileBackups(const std::string& key, const std::string& ns,
                                   const std::string& name);
  // Makes the objects that come with the operator's manifest.
  Result<void> EnsurePriorities();
  ClusterMemory& MemoryOf(const std::string& key);

  Environment env_;
  std::mutex mutex_;
  std::map<std::string, ClusterMemory> memories_;
  std::mutex manifest_mutex_;
  bool manifest_applied_ = false;
  Controller controller_;
  std::unique_ptr<Servers> servers_;  // the controller's passes use it, and it wakes them
};

}  // namespace slipway::sim::operators::vitess
