#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devcluster/operators/pass.h"
#include "devcluster/vitess/cluster_spec.h"
#include "devcluster/vitess/topology.h"

namespace slipway::sim::operators::vitess {

class Servers;

struct Environment : PassEnvironment {
  Servers* servers;
};

struct ClusterMemory : PassMemory {};

// One pass over a VitessCluster and everything made from it. The next pass looks at the objects
// that this pass creates. The answer to a change replaces the object in this pass.
class ClusterPass : public Pass {
 public:
  ClusterPass(Environment& environment, ClusterMemory& remembered)
      : Pass(environment, remembered), env(environment), memory(remembered) {}

  // kNotFound when the VitessCluster is gone.
  Result<void> Read(const std::string& ns, const std::string& name);

  std::vector<Json>& All(const std::string& kind) { return objects_[kind]; }

  // The object as it was at the start of the pass, or null.
  Json* Find(const std::string& kind, const std::string& name);

  Json* PodOf(const Tablet& tablet) { return Find("Pod", tablet.name); }

  // Creates what is missing and brings specs to the wanted state, except those of pods. When an
  // admission refuses an object, an event about the owner says so.
  Result<void> Ensure(const Json& wanted, const Json& owner);
  Result<void> Remove(const Json& object, const Json& owner);
  void Event(const Json& about, const char* type, const char* reason, const std::string& message);
  // Writes the event once per object.
  void EventOnce(const Json& about, const char* type, const char* reason,
                 const std::string& message);

  // vtgate's list of accounts; "" while there is none.
  Result<std::string> UsersJson();
  // True when two of three etcd members are ready, or when the lockserver is not ours.
  bool LockserverAnswers();
  // True when the pod has been ready for so long that the operator counts on it. False the first
  // time that a pod is seen.
  bool Available(const Json& pod);

  Environment& env;
  ClusterMemory& memory;
  ClusterSpec spec;
  Json cluster;

 private:
  Result<void> Update(Json& object, const Json& wanted, const Json& owner);
  // What an admission says against a pod whose PriorityClass is missing; "" when the class exists.
  Result<std::string> MissingPriority(const Json& pod);

  std::map<std::string, std::vector<Json>> objects_;
  std::optional<std::string> users_json_;
};

// A shard of a pass, with its VitessShard.
struct ShardView {
  const Keyspace& keyspace;
  const Shard& shard;
  Json& object;
  Topology topology;
  std::vector<Json> wanted = {};  // what belongs to it; empty while its spec is an older one
};

// The text of a key in a Secret; "" while there is none. `reference` is {name, key}.
Result<std::string> SecretText(const Pass& pass, const std::string& ns, const Json& reference);
// The tablet that the topology calls the shard's primary; nullptr when it is in no pool.
const Tablet* PrimaryOf(const ShardView& view);
// The uid of a tablet's claim, which identifies its data; "" while there is no claim.
std::string VolumeOf(ClusterPass& pass, const Tablet& tablet);
// The shards whose VitessShard exists.
std::vector<ShardView> ShardsOf(ClusterPass& pass);
Result<void> WriteTopology(ClusterPass& pass, ShardView& view, const Topology& topology);

// The statuses, computed from what the pass read at its start.
Json EtcdStatus(ClusterPass& pass, const Json& etcd);
Json CellStatus(ClusterPass& pass, const Cell& cell, const Json& object);
Json ShardStatus(ClusterPass& pass, const ShardView& view);
Json KeyspaceStatus(ClusterPass& pass, const Keyspace& keyspace, const Json& object);
// Call it after the statuses of etcd and the cells have been written.
Json ClusterStatus(ClusterPass& pass);

// Runs one pass of the operator.
Result<void> ReconcileCluster(ClusterPass& pass);
// Runs the part of the pass for one VitessShard.
Result<void> ReconcileShard(ClusterPass& pass, ShardView& view);
// Rolls pods to the shard's spec, one at a time, with the primary last.
Result<void> RollTablets(ClusterPass& pass, ShardView& view);
// Takes the primary's role from pods that somebody wants to drain.
Result<void> DrainTablets(ClusterPass& pass, ShardView& view);
// Turns down tablets that are no longer in any pool.
Result<void> TurnDownTablets(ClusterPass& pass, ShardView& view);
// Makes a tablet that is ready for it the primary. False when there is none.
Result<bool> PlannedReparent(ClusterPass& pass, ShardView& view);

// Plays the cluster's machinery and everything that runs inside the pods. It takes one step, and
// none in a pass in which the operator changed anything.
Result<void> PlayMachinery(ClusterPass& pass);
// Plays the initial backup and the reader of the bucket.
Result<void> PlayBackups(ClusterPass& pass);

}  // namespace slipway::sim::operators::vitess
