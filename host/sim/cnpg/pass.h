#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/cluster.h"
#include "sim/cnpg/cluster_spec.h"
#include "sim/cnpg/postgres_runtime.h"

namespace slipway::sim::cnpg {

inline constexpr char kGroup[] = "postgresql.cnpg.io/v1";

// What the operator remembers of a Cluster between passes; everything in it can be lost.
struct ClusterMemory {
  std::string uid;
  int64_t ensured_generation = -1, ensured_at_ms = 0;
  Json static_status;  // certificates, secretsResourceVersion, …
  std::string password, tls_cert, tls_key;
  std::map<std::string, int64_t> since;             // start of a wait
  std::map<std::string, std::string> ingress;       // service → what was written
  std::map<std::string, std::string> started_with;  // pod uid → parameters that need a restart
  std::string restarting_primary;                   // its pod is gone on purpose: no failover
};

// What all passes share. The operator owns it.
struct PassEnvironment {
  kube::Cluster& kube;
  const Clock& clock;
  Logger& log;
  PostgresRuntime* runtime;  // null: pods become ready by themselves
  double pace;
};

// One reconcile pass over one Cluster: what was read at its start, kept up to date with the answers
// to its own writes. Confined to the worker that runs it.
class Pass {
 public:
  Pass(PassEnvironment& environment, ClusterMemory& remembered)
      : env(environment), memory(remembered) {}

  // kNotFound when the Cluster is gone.
  Result<void> Read(const std::string& ns, const std::string& name);

  // Merge patches; nothing is sent when nothing would change.
  Result<void> PatchStatus(Json patch);
  Result<void> PutStatus(Json status);
  // phase, reason and condition Ready, in one patch.
  Result<void> Phase(const std::string& phase, const std::string& reason);
  Result<void> PatchObject(Json& object, const Json& patch, const std::string& subresource = "");
  Result<Json> CreateObject(const Json& object);  // an existing one is returned as it is
  Result<void> DeleteObject(const Json& object);
  Result<void> Bind(Json& pod, const std::string& node);  // as a scheduler does
  void Event(const std::string& reason, const std::string& message);

  // Whether `wait_ms` of real pace have gone by since the first time this was asked; otherwise the
  // pass is repeated then.
  bool Due(const std::string& what, int64_t wait_ms);
  void RequeueIn(int64_t ms);

  const Json& status() const { return cluster["status"]; }

  const std::string& current_primary() const { return status()["currentPrimary"].AsString(); }

  const std::string& target_primary() const { return status()["targetPrimary"].AsString(); }

  int64_t now() const { return env.clock.NowMs(); }

  Json* FindPod(const std::string& instance);
  Json* FindVolume(const std::string& instance);       // its PG_DATA claim
  std::string VolumeKey(const std::string& instance);  // the runtime's name for it, "" when absent

  PassEnvironment& env;
  ClusterMemory& memory;
  ClusterSpec spec;
  Json cluster;
  std::vector<Json> pods, job_pods, jobs, volumes;
  bool changed = false;
  int64_t requeue_ms = -1;

 private:
  Result<void> Take(Json& object, Result<Json> answer);
};

bool PodReady(const Json& pod);
bool PodRunning(const Json& pod);
bool PodPlaced(const Json& pod);  // has a node
bool PodActive(const Json& pod);  // neither ended nor being deleted
bool JobComplete(const Json& job);
bool JobFailed(const Json& job);

// The cluster's own machinery, played for pods nobody else runs: scheduler, kubelet, job
// controller, volume binder, and the instance manager inside the pods.
Result<void> PlayMachinery(Pass& pass);
// The instance manager's part of it: which server is primary (failover, switchover), readiness.
Result<void> PlayInstance(Pass& pass, Json& pod);

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

}  // namespace slipway::sim::cnpg
