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

// What the operator remembers of a Cluster between passes. All of it can be lost.
struct ClusterMemory : PassMemory {
  int64_t ensured_generation = -1, ensured_at_ms = 0;
  Json static_status;                       // certificates, secretsResourceVersion, …
  std::string password, tls_cert, tls_key;  // from the secrets; "" until a pass has read them
  std::map<std::string, std::string> started_with;  // pod uid → parameters that need a restart
  std::string restarting_primary;                   // we deleted its pod: no failover
  PostgresRuntime::Archive archive, origin;         // where the plugin archives and recovers from
};

struct PassEnvironment : operators::PassEnvironment {
  PostgresRuntime* runtime;  // null: no servers, pods just become ready
};

// One reconcile pass over one Cluster. It reads the objects at its start; each answer to a write
// replaces the object in memory. Only the worker that runs it may use it.
class Pass : public operators::Pass {
 public:
  Pass(PassEnvironment& environment, ClusterMemory& remembered)
      : operators::Pass(environment, remembered), env(environment), memory(remembered) {}

  // Reads the Cluster and its objects into the members below. kNotFound when the Cluster is gone.
  Result<void> Read(const std::string& ns, const std::string& name);

  Result<void> PatchStatus(Json patch) { return PatchStatusOf(cluster, std::move(patch)); }

  Result<void> PutStatus(Json status) { return PutStatusOf(cluster, std::move(status)); }

  // Writes the phase, its reason and the condition Ready, in one patch.
  Result<void> Phase(const std::string& phase, const std::string& reason);
  // Writes an Event about the Cluster.
  void Event(const std::string& reason, const std::string& message);

  const Json& status() const { return cluster["status"]; }

  const std::string& current_primary() const { return status()["currentPrimary"].AsString(); }

  const std::string& target_primary() const { return status()["targetPrimary"].AsString(); }

  // The pod of an instance and its PG_DATA claim; null when absent.
  Json* FindPod(const std::string& instance);
  Json* FindVolume(const std::string& instance);
  // The runtime's name for the volume of an instance; "" when the claim is absent.
  std::string VolumeKey(const std::string& instance);

  PassEnvironment& env;
  ClusterMemory& memory;
  ClusterSpec spec;
  Json cluster;
  // In the order of their serials. Jobs and volumes that are being deleted are left out.
  std::vector<Json> pods, job_pods, jobs, volumes;
};

// Plays the machinery of Kubernetes for the pods and jobs of a Cluster, and the instance manager
// inside them.
Result<void> PlayMachinery(Pass& pass);
// Plays the instance manager of a running pod: promotion, demotion and readiness.
Result<void> PlayInstance(Pass& pass, Json& pod);

// Writes the condition ContinuousArchiving, which follows the archiver of the primary.
Result<void> ReportArchiving(Pass& pass, const std::string& volume);
// Removes from the archive what the retention policy of its ObjectStore does not keep, once per
// interval.
Result<void> ApplyRetention(Pass& pass);

// Makes the secrets, services, PDBs, RBAC objects and the Lease, and fills the pass's memory with
// what they say.
Result<void> EnsureObjects(Pass& pass);
// One pass of the operator. It writes the status in the order of the real one.
Result<void> ReconcileOperator(Pass& pass);
// Sets the condition that tells how far the hibernation is, or removes it.
void HibernationCondition(const Pass& pass, Json& conditions);
// Deletes one pod of a hibernating Cluster, the primary's first. Returns true when the pass must
// stop here.
Result<bool> ReconcileHibernation(Pass& pass);
// Decides about a failover. Returns true when the pass must stop here.
Result<bool> ReconcileRoles(Pass& pass);
// Writes the role labels of pods and claims, unless the Cluster is to get another primary.
Result<void> LabelRoles(Pass& pass);
// Makes the claims of jobs that have none, because a pass was cut short.
Result<void> RepairVolumes(Pass& pass);
// Makes missing pods, the first primary or the next replica, scales down, or restarts pods. Returns
// true when it did something or has to wait.
Result<bool> ReconcileInstances(Pass& pass);
// Writes the loopback ports behind the services into the services' status.
void PublishPorts(Pass& pass);

}  // namespace slipway::sim::operators::cnpg
