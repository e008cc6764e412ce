#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "devcluster/operators/pass.h"

namespace slipway::sim::operators {

// Plays the cluster's own machinery for pods that nobody else runs: scheduler, kubelet, volume
// binder and job controller. One pass of an operator plays it for the pods that it selects by
// label.

// The waits of the real programs, scaled by the pace.
inline constexpr int64_t kScheduleMs = 400, kStartMs = 4000, kJobMs = 12'000;

// The fault that a test asks for with the annotation slipway.dev/sim-fault on the custom resource.
//   unschedulable, image-pull, never-ready: for every pod. Operators have further faults.
const std::string& FaultOf(const Json& custom_resource);

constexpr int64_t kRefusedPodMs = 1000;  // then a controller tries a refused pod again

bool PodReady(const Json& pod);
bool PodRunning(const Json& pod);
bool PodPlaced(const Json& pod);  // it has a node
bool PodActive(const Json& pod);  // it has neither ended nor is it being deleted
bool JobComplete(const Json& job);
bool JobFailed(const Json& job);

// Five letters, as Kubernetes appends them to a generated name.
std::string PodSuffix();
// A pod from the template of its Job, ReplicaSet or StatefulSet, which owns the pod.
Json PodFrom(const Json& owner, const std::string& name);
// The address of a pod, computed from its uid.
std::string AddressOf(const Json& pod);

// The node for a pod that nothing else places; the same name always gets the same node.
std::string NodeFor(const Json& pod);

Result<void> PatchPodStatus(Pass& pass, Json& pod, Json status);
// Binds the pod to the node. Returns false while the pod has to wait.
Result<bool> Schedule(Pass& pass, Json& pod, const std::string& node, const std::string& fault);

// The reason why containers do not start: reason and message of their "waiting" state.
struct Hindrance {
  std::string reason, message;

  explicit operator bool() const { return !reason.empty(); }

  // For the fault image-pull; empty for other faults.
  static Hindrance ImagePull(const Json& pod, const std::string& fault);
  static Hindrance NoSecret(const std::string& secret);
};

Result<void> Hinder(Pass& pass, Json& pod, const Hindrance& hindrance);
Result<void> SetRunning(Pass& pass, Json& pod, bool ready);
// For a running pod; when it loses readiness, that counts as a restart.
Result<void> SetReady(Pass& pass, Json& pod, bool ready);
// The same for pods whose containers become ready one by one: those in `ready` are ready.
Result<void> SetContainersReady(Pass& pass, Json& pod, const std::vector<std::string>& ready);
// Sets phase Succeeded, or Failed with `failure` as the termination message.
Result<void> SetEnded(Pass& pass, Json& pod, const std::string& failure);

// Leaves a claim in the state in which the volume controller leaves it.
Result<void> BindVolume(Pass& pass, Json& claim);

// Writes the status of a job, unless a real job controller refuses that.
Result<void> PatchJobStatus(Pass& pass, Json& job, Json status);
// Writes the last conditions of a job. `count` pods have succeeded, or failed.
Result<void> EndJob(Pass& pass, Json& job, bool ok, int64_t count);

// The work inside a job's pod.
struct JobWork {
  std::string node, fault;
  Hindrance hindrance;
  // True when the work has ended; `failure` says what went wrong.
  std::function<bool(std::string& failure)> done;
  // Pods of it that failed, and the pauses after which another one is tried.
  int64_t failed = 0;
  std::vector<int64_t> retry_after_ms = {};
};

// Takes one step with a job that has neither completed nor failed: makes its pod (unless a real job
// controller makes it), schedules, runs and ends it. `pod` may be null.
Result<void> PlayJob(Pass& pass, Json& job, Json* pod, const JobWork& work);

}  // namespace slipway::sim::operators
