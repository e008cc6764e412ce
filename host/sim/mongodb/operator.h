#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "sim/behaviour.h"
#include "sim/mongodb/pass.h"
#include "sim/operators/controller.h"

namespace slipway::sim::operators::mongodb {

// The operator without its watches. Keys are instance/NAMESPACE/NAME. Any thread.
class Operator {
 public:
  Operator(kube::Cluster& kube, const BehaviourOptions& options, const Release& release,
           const Clock& clock, Logger& log);

  // What the watches hear.
  void InstanceChanged(const std::string& ns, const std::string& name);
  void SecretChanged(const kube::ObjectRef& secret, bool deleted);
  // A pod, a claim or a StatefulSet; only their metadata is looked at.
  void MemberChanged(const Json& object, bool deleted);

  Controller& controller() { return controller_; }

 private:
  Result<int64_t> Reconcile(const std::string& ns, const std::string& name);
  InstanceMemory& MemoryOf(const std::string& key);
  // So that a change of a secret that the instance reads, or makes for its users, is noticed.
  void Remember(const std::string& key, const InstanceSpec& spec);
  void Refresh(const std::string& key);

  Environment env_;
  std::mutex mutex_;
  std::map<std::string, InstanceMemory> memories_;
  std::map<std::string, std::set<std::string>> read_, made_;  // NAMESPACE/SECRET → keys
  std::map<std::string, int64_t> remembered_;                 // key → generation
  std::set<std::string> stale_;
  Controller controller_;
};

}  // namespace slipway::sim::operators::mongodb
