#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sim/operators/pass.h"

namespace slipway::sim::operators {

// The cluster's own machinery, played for pods nobody else runs: scheduler, kubelet, volume binder
// and job controller. One pass of an operator plays it for the pods it selects by label.

// Waits of the real ones, scaled by the pace.
inline constexpr int64_t kScheduleMs = 400, kStartMs = 4000, kJobMs = 12'000;

// The fault a test asks for with annotation slipway.dev/sim-fault on the custom resource.
//   unschedulable, image-pull, never-ready: of every pod; operators have more of their own.
const std::string& FaultOf(const Json& custom_resource);

bool PodReady(const Json& pod);
bool PodRunning(const Json& pod);
bool PodPlaced(const Json& pod);  // has a node
bool PodActive(const Json& pod);  // neither ended nor being deleted
bool JobComplete(const Json& job);
bool JobFailed(const Json& job);

// Five letters as Kubernetes adds them to a generated name.
std::string PodSuffix();
// A pod after the template of its Job, ReplicaSet or StatefulSet, owned by it.
Json PodFrom(const Json& owner, const std::string& name);
// The address a pod is given, made of its uid.
std::string AddressOf(const Json& pod);

Result<void> PatchPodStatus(Pass& pass, Json& pod, Json status);
// Binds the pod to the node. False while it has to wait.
Result<bool> Schedule(Pass& pass, Json& pod, const std::string& node, const std::string& fault);

// Why containers do not start: the reason and the message of their "waiting" state.
struct Hindrance {
  std::string reason, message;

  explicit operator bool() const { return !reason.empty(); }

  // Of fault image-pull; none for other faults.
  static Hindrance ImagePull(const Json& pod, const std::string& fault);
  static Hindrance NoSecret(const std::string& secret);
};

Result<void> Hinder(Pass& pass, Json& pod, const Hindrance& hindrance);
Result<void> SetRunning(Pass& pass, Json& pod, bool ready);
// Of a running pod; losing readiness counts as a restart.
Result<void> SetReady(Pass& pass, Json& pod, bool ready);
// The same for pods whose containers are ready one by one: those in `ready` are.
Result<void> SetContainersReady(Pass& pass, Json& pod, const std::vector<std::string>& ready);
// Phase Succeeded, or Failed with the text as its termination message.
Result<void> SetEnded(Pass& pass, Json& pod, const std::string& failure);

// A claim as the controller of volumes leaves it.
Result<void> BindVolume(Pass& pass, Json& claim);

// What happens inside a job's pod.
struct JobWork {
  std::string node, fault;
  Hindrance hindrance;
  // True when it has ended; `failure` says what went wrong.
  std::function<bool(std::string& failure)> done;
};

// One step of a job that has neither completed nor failed: its pod is made (unless a real job
// controller makes it), scheduled, run and ended. `pod` may be null.
Result<void> PlayJob(Pass& pass, Json& job, Json* pod, const JobWork& work);

}  // namespace slipway::sim::operators
