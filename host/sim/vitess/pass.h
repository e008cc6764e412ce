#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/operators/pass.h"
#include "sim/vitess/cluster_spec.h"
#include "sim/vitess/topology.h"

namespace slipway::sim::operators::vitess {

class Tablets;

struct Environment : PassEnvironment {
  Tablets* tablets;
};

struct ClusterMemory : PassMemory {};

// One pass over one VitessCluster and all that is made of it. What is created in a pass is looked
// at in the next one; what is changed is taken in.
class ClusterPass : public Pass {
 public:
  ClusterPass(Environment& environment, ClusterMemory& remembered)
      : Pass(environment, remembered), env(environment), memory(remembered) {}

  // kNotFound when the VitessCluster is gone.
  Result<void> Read(const std::string& ns, const std::string& name);

  std::vector<Json>& All(const std::string& kind) { return objects_[kind]; }

  // As it was at the start of the pass, or null.
  Json* Find(const std::string& kind, const std::string& name);

  Json* PodOf(const Tablet& tablet) { return Find("Pod", tablet.name); }

  // Creates what is missing and brings specs to what is wanted, but for those of pods. What an
  // admission refuses is said in an event about the owner.
  Result<void> Ensure(const Json& wanted, const Json& owner);
  Result<void> Remove(const Json& object, const Json& owner);
  void Event(const Json& about, const char* type, const char* reason, const std::string& message);
  // Once for an object.
  void EventOnce(const Json& about, const char* type, const char* reason,
                 const std::string& message);

  // vtgate's list of accounts, "" while it is not there.
  Result<std::string> UsersJson();
  // Two of three members of etcd are ready, or the lockserver is not ours.
  bool LockserverAnswers();
  // Ready for so long that the operator counts on it. False the first time that a pod is seen.
  bool Available(const Json& pod);

  // Forgets the start of a wait, as its condition has gone.
  void Reset(const std::string& what) { memory.since.erase(what); }

  Environment& env;
  ClusterMemory& memory;
  ClusterSpec spec;
  Json cluster;

 private:
  Result<void> Update(Json& object, const Json& wanted, const Json& owner);
  // What an admission says against a pod whose PriorityClass is missing, "" when it is there.
  Result<std::string> MissingPriority(const Json& pod);

  std::map<std::string, std::vector<Json>> objects_;
  std::optional<std::string> users_json_;
};

// A shard of a pass with its VitessShard.
struct ShardView {
  const Keyspace& keyspace;
  const Shard& shard;
  Json& object;
  Topology topology;
  std::vector<Json> wanted = {};  // what belongs to it; empty while its spec is an older one
};

// Those whose VitessShard is there.
std::vector<ShardView> ShardsOf(ClusterPass& pass);
Result<void> WriteTopology(ClusterPass& pass, ShardView& view, const Topology& topology);

// The statuses, from what was read at the start of the pass.
Json EtcdStatus(ClusterPass& pass, const Json& etcd);
Json CellStatus(ClusterPass& pass, const Cell& cell, const Json& object);
Json ShardStatus(ClusterPass& pass, const ShardView& view);
Json KeyspaceStatus(ClusterPass& pass, const Keyspace& keyspace, const Json& object);
// After those of etcd and the cells have been written.
Json ClusterStatus(ClusterPass& pass);

// One pass of the operator.
Result<void> ReconcileCluster(ClusterPass& pass);
// Its part for one VitessShard.
Result<void> ReconcileShard(ClusterPass& pass, ShardView& view);
// Rolls pods to the shard's spec, one at a time, the primary last.
Result<void> RollTablets(ClusterPass& pass, ShardView& view);
// Turns down tablets that are in no pool any more.
Result<void> TurnDownTablets(ClusterPass& pass, ShardView& view);
// Makes a tablet primary that is ready for it. False when there is none.
Result<bool> PlannedReparent(ClusterPass& pass, ShardView& view);

// The cluster's machinery and what runs inside the pods. Does one step, and nothing in a pass in
// which the operator changed anything.
Result<void> PlayMachinery(ClusterPass& pass);
// Registration, restores, elections: what happens inside the tablets' and vtorc's pods.
Result<void> PlayTopology(ClusterPass& pass);
// The initial backup, and the reader of the bucket.
Result<void> PlayBackups(ClusterPass& pass);

}  // namespace slipway::sim::operators::vitess
