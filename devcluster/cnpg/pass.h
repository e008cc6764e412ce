#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "devcluster/cnpg/cluster_spec.h"
#include "devcluster/cnpg/postgres_runtime.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/pass.h"

namespace slipway::sim::operators::cnpg {

inline constexpr char kGroup[] = "postgresql.cnpg.io/v1";

// What the operator remembers of a Cluster between passes; everything in it can be lost.
struct ClusterMemory : PassMemory {
  int64_t ensured_generation = -1, ensured_at_ms = 0;
  Json static_status;  // certificates, secretsResourceVersion, …
  std::string password, tls_cert, tls_key;
  std::map<std::string, std::string> started_with;  // pod uid → parameters that need a restart
  std::string restarting_primary;                   // its pod is gone on purpose: no failover
  PostgresRuntime::Archive archive, origin;         // what the plugin works with
};

struct PassEnvironment : operators::PassEnvironment {
  PostgresRuntime* runtime;  // null: pods become ready by themselves
};

// One reconcile pass over one Cluster: what was read at its start, kept up to date with the answers
// to its own writes. Confined to the worker that runs it.
class Pass : public operators::Pass {
 public:
  Pass(PassEnvironment& environment, ClusterMemory& remembered)
      : operators::Pass(environment, remembered), env(environment), memory(remembered) {}

  // kNotFound when the Cluster is gone.
  Result<void> Read(const std::string& ns, const std::string& name);

  Result<void> PatchStatus(Json patch) { return PatchStatusOf(cluster, std::move(patch)); }

  Result<void> PutStatus(Json status) { return PutStatusOf(cluster, std::move(status)); }

  // phase, reason and condition Ready, in one patch.
  Result<void> Phase(const std::string& phase, const std::string& reason);
  void Event(const std::string& reason, const std::string& message);

  const Json& status() const { return cluster["status"]; }

  const std::string& current_primary() const { return status()["currentPrimary"].AsString(); }

  const std::string& target_primary() const { return status()["targetPrimary"].AsString(); }

  Json* FindPod(const std::string& instance);
  Json* FindVolume(const std::string& instance);       // its PG_DATA claim
  std::string VolumeKey(const std::string& instance);  // the runtime's name for it, "" when absent

  PassEnvironment& env;
  ClusterMemory& memory;
  ClusterSpec spec;
  Json cluster;
  std::vector<Json> pods, job_pods, jobs, volumes;
};

// The cluster's machinery for the pods and jobs of a Cluster, and the instance manager inside them.
Result<void> PlayMachinery(Pass& pass);
// The instance manager's part of it: which server is primary (failover, switchover), readiness.
Result<void> PlayInstance(Pass& pass, Json& pod);

// The condition that follows the primary's archiver.
Result<void> ReportArchiving(Pass& pass, const std::string& volume);
// What the retention policy of the archive's ObjectStore lets go, from time to time.
Result<void> ApplyRetention(Pass& pass);

// Secrets, services, PDBs, RBAC, Lease; fills memory.static_status.
Result<void> EnsureObjects(Pass& pass);
// One pass of the operator, in its order of writes.
Result<void> ReconcileOperator(Pass& pass);
// The condition that tells how far hibernation is; part of the status of step 8.
void HibernationCondition(const Pass& pass, Json& conditions);
// Deletes the pods, the primary's first. True when the pass must stop here.
Result<bool> ReconcileHibernation(Pass& pass);
// Switchover, failover and role labels. True when the pass must stop here.
Result<bool> ReconcileRoles(Pass& pass);
Result<void> LabelRoles(Pass& pass);
// Makes the claims of jobs that lack them, as after a pass that was cut short.
Result<void> RepairVolumes(Pass& pass);
// Missing pods, first primary, next replica, scale down, rolling update. True when it did
// something.
Result<bool> ReconcileInstances(Pass& pass);
// Writes the loopback ports behind the services into their status.
Result<void> PublishPorts(Pass& pass);

}  // namespace slipway::sim::operators::cnpg
