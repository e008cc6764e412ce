#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "devcluster/behaviour.h"
#include "devcluster/mongodb/pass.h"
#include "devcluster/mongodb/servers.h"
#include "devcluster/operators/controller.h"

namespace slipway::sim::operators::mongodb {

// The operator without its watches. Keys are instance/NAMESPACE/NAME. Any thread may call it.
class Operator {
 public:
  Operator(kube::Cluster& kube, const BehaviourOptions& options, const Release& release,
           const Clock& clock, Logger& log);
  ~Operator();

  // The watches report their events here.
  void InstanceChanged(const std::string& ns, const std::string& name);
  void SecretChanged(const kube::ObjectRef& secret, bool deleted);
  // Reports a pod, a claim or a StatefulSet; only its metadata is used.
  void MemberChanged(const Json& object, bool deleted);

  // For tests.
  Servers& servers() { return *servers_; }

  Controller& controller() { return controller_; }

 private:
  Result<int64_t> Reconcile(const std::string& ns, const std::string& name);
  InstanceMemory& MemoryOf(const std::string& key);
  // Notes which secrets the instance reads, and which ones it makes for its users, so that a change
  // of one is noticed.
  void Remember(const std::string& key, const InstanceSpec& spec);
  void Refresh(const std::string& key);

  Environment env_;
  std::mutex mutex_;
  std::map<std::string, InstanceMemory> memories_;
  std::map<std::string, std::set<std::string>> read_, made_;  // NAMESPACE/SECRET → keys
  std::map<std::string, int64_t> remembered_;                 // key → generation
  std::set<std::string> stale_;
  Controller controller_;
  std::unique_ptr<Servers> servers_;  // it ends after the controller has stopped
};

}  // namespace slipway::sim::operators::mongodb
