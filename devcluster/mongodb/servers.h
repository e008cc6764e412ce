#pragma once

#include <memory>
#include <string>

#include "devcluster/behaviour.h"
#include "devcluster/mongodb/mongo_runtime.h"
#include "devcluster/mongodb/pass.h"

namespace slipway::sim::operators::mongodb {

// The servers inside the pods of the data members, one per volume. Without FerretDB there are none,
// and a member is in whatever state its pod is in. The same holds with TLS, since FerretDB cannot
// say who its members are. Any thread may call it.
class Servers {
 public:
  Servers(const BehaviourOptions& options, const Clock& clock, Logger& log,
          MongoRuntime::OnChange on_change);
  ~Servers();  // stops every server

  Behind BehindOf(const InstanceSpec& spec) const;

  // Elects a primary and tells every member's server its role. A server rests while its pod does
  // not run or is not in the automation config.
  void Direct(InstancePass& pass);
  // True when the pod's server has ended by itself.
  bool Lost(InstancePass& pass, const Json& pod) const;
  // True when the pod's server answers in its role and has the users of the automation config.
  bool Reached(InstancePass& pass, const Json& pod) const;
  // Publishes in the members' Service how the primary is reached from outside.
  void Publish(InstancePass& pass);

  // Call it when the pod is about to go.
  void StopServersOf(kube::Cluster& kube, const Json& pod);
  // The data stays, because claims outlive their instance.
  void InstanceGone(const std::string& ns, const std::string& name);
  void VolumeGone(const std::string& uid);
  bool Sweep(kube::Cluster& kube);

 private:
  MongoState StateOf(InstancePass& pass, const std::string& pod) const;
  void Elect(InstancePass& pass) const;
  MongoPlan PlanOf(InstancePass& pass, const std::string& pod) const;
  void Restart(InstancePass& pass, const std::string& volume);

  std::unique_ptr<MongoRuntime> runtime_;
};

}  // namespace slipway::sim::operators::mongodb
