#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/behaviour.h"
#include "sim/vitess/mysql_runtime.h"
#include "sim/vitess/pass.h"

namespace slipway::sim::operators::vitess {

// The tablet that the topology calls the shard's primary, nullptr when it is in no pool.
const Tablet* PrimaryOf(const ShardView& view);

// The MySQL servers inside the tablets, one a volume. Without server programs there are none, and
// a tablet serves as soon as it has a role. Any thread.
class Tablets {
 public:
  Tablets(const BehaviourOptions& options, const Clock& clock, Logger& log,
          MysqlRuntime::OnChange on_change);
  ~Tablets();  // stops every server

  // Asks for the server of a running pod in its role. True when it answers in it. The primary is
  // to be asked for before those that follow it.
  bool Serves(ClusterPass& pass, const ShardView& view, const Tablet& tablet);
  // The primary's server has taken over.
  bool Leads(ClusterPass& pass, const ShardView& view);
  // There is no running pod.
  void Rest(ClusterPass& pass, const Tablet& tablet);
  // Of tablets that may take over, the one that lost least. `candidates` is not empty.
  const Tablet* Furthest(ClusterPass& pass, const std::vector<const Tablet*>& candidates);
  // Says on vtgate's service how the primary of the first shard is reached from outside.
  Result<void> Publish(ClusterPass& pass);

  // The pod is about to go.
  void StopServersOf(kube::Cluster& kube, const Json& pod);
  void VolumeGone(const std::string& uid);
  bool Sweep(kube::Cluster& kube);

 private:
  std::unique_ptr<MysqlRuntime> runtime_;
};

}  // namespace slipway::sim::operators::vitess
