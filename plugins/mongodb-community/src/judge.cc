#include "judge.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <slipway/engine.hpp>

#include "failures.h"
#include "replica_set.h"

namespace mongodb {

namespace {

constexpr char kConfirmed[] = "mongodb.com/v1.lastSuccessfulConfiguration";
constexpr char kAgentVersion[] = "agent.mongodb.com/version";

const std::string& Annotation(const Json& object, const char* name) {
  return object["metadata"]["annotations"][name].AsString();
}

// The pods cannot run without these, and the operator does not report it.
std::optional<Judgement> AccessMissing(const Instance& instance, const Observed& observed,
                                       int percent) {
  const std::pair<const char*, const Json*> parts[] = {{"ServiceAccount", observed.account},
                                                       {"Role", observed.role},
                                                       {"RoleBinding", observed.binding}};
  for (const auto& [kind, object] : parts) {
    if (object != nullptr) continue;
    const std::string name = AccountName(instance);
    return Progress(std::string(kind) + "Missing",
                    std::string(kind) + " " + name +
                        " does not exist: without it pods are not created or never get ready",
                    percent, WaitingFor(kind, instance.ns, name, "NotFound"));
  }
  return std::nullopt;
}

// The spec that the operator last carried out, from its annotation; null without one.
Json ConfirmedSpec(const Json& resource) {
  try {
    return Json::Parse(Annotation(resource, kConfirmed));
  } catch (const slipway::Error&) {
    return {};
  }
}

// Names the part of the spec that the operator has not yet taken over; empty if it has taken over
// all of it. There is no observedGeneration: a phase Running can be older than the last change.
std::string NotYetTakenOver(const Instance& instance, const Json& resource) {
  const Json& status = resource["status"];
  const std::string version = VersionOf(instance);
  if (status["version"].AsString() != version) return "the version " + version;
  if (status["currentMongoDBMembers"].AsInt() != instance.instances ||
      status["currentStatefulSetReplicas"].AsInt() != instance.instances)
    return std::to_string(instance.instances) + " members";
  const Json confirmed = ConfirmedSpec(resource);
  if (confirmed["members"].AsInt() != instance.instances ||
      confirmed["version"].AsString() != version)
    return "the configuration";
  return {};
}

bool RolledOut(const Instance& instance, const Json& stateful_set) {
  const Json& status = stateful_set["status"];
  return status["observedGeneration"].AsInt(-1) == stateful_set["metadata"]["generation"].AsInt() &&
         status["readyReplicas"].AsInt() == instance.instances &&
         status["updatedReplicas"].AsInt() == instance.instances;
}

// A pod whose agent has not reached the newest configuration that any agent has; null if all have.
const Json* AgentBehind(const Observed& observed) {
  int64_t newest = 0;
  for (const Json* pod : observed.pods)
    newest = std::max(newest, Integer(Annotation(*pod, kAgentVersion)).value_or(-1));
  for (const Json* pod : observed.pods) {
    if (Integer(Annotation(*pod, kAgentVersion)).value_or(-1) != newest) return pod;
  }
  return nullptr;
}

bool ContainersRun(const Json& pod) {
  const auto& statuses = pod.At("status/containerStatuses").items();
  return !statuses.empty() && std::all_of(statuses.begin(), statuses.end(), [](const Json& status) {
    return status.At("state/running").IsObject();
  });
}

// The trouble that the StatefulSet shows although no pod and no volume has one.
std::optional<Judgement> StatefulSetTrouble(const Instance& instance, const Observed& observed,
                                            int percent) {
  const Json& set = *observed.members;
  const int64_t wanted = set.At("spec/replicas").AsInt();
  // With TLS the operator does not scale a set that was enlarged, only a new one.
  if (wanted != instance.instances) {
    return Progress("StatefulSetNotScaled",
                    "the StatefulSet asks for " + std::to_string(wanted) + " pods instead of " +
                        std::to_string(instance.instances),
                    percent, WaitingFor(set, "StatefulSetNotScaled"));
  }
  const auto pods = static_cast<int64_t>(observed.pods.size());
  // Each pod is created when the one before it is ready.
  if (pods < wanted && ReadyPods(observed.pods) == pods) {
    return Progress("WaitingForMembers",
                    "the pod " + instance.name + "-" + std::to_string(pods) +
                        " is not created; if this lasts, a resource quota, a limit range or an "
                        "admission webhook refuses it, see the events of the StatefulSet",
                    percent, WaitingFor(set, "PodNotCreated"));
  }
  return std::nullopt;
}

// The first pod that is simply not finished yet.
Json NextPod(const Instance& instance, const Observed& observed) {
  for (const Json* pod : observed.pods) {
    if (IsReadyPod(*pod)) continue;
    if (IsGoing(*pod)) return WaitingFor(*pod, "Terminating");
    // Both containers run but the readiness probe has never written: it cannot read the
    // configuration, or lacks a right.
    const bool silent = ContainersRun(*pod) && Annotation(*pod, kAgentVersion).empty();
    return WaitingFor(*pod, silent ? "AgentNotReporting" : "NotReady");
  }
  return kReplicaSet.Waiting(instance, "NotReady");
}

}  // namespace

Observed::Observed(const Json& objects, const Instance& instance) {
  const std::string account_name = AccountName(instance);
  for (const Json& object : objects.items()) {
    const std::string& kind = object["kind"].AsString();
    const std::string& name = object["metadata"]["name"].AsString();
    if (kind == kReplicaSet.kind && name == instance.name) resource = &object;
    if (kind == "StatefulSet") stateful_sets.push_back(&object);
    if (kind == "StatefulSet" && name == instance.name) members = &object;
    if (kind == "Pod") pods.push_back(&object);
    if (kind == "PersistentVolumeClaim") volumes.push_back(&object);
    if (name != account_name) continue;
    if (kind == "ServiceAccount") account = &object;
    if (kind == "Role") role = &object;
    if (kind == "RoleBinding") binding = &object;
  }
}

Judgement JudgeReplicaSet(const Instance& instance, const Observed& observed, int64_t waited_ms) {
  if (auto absent = kReplicaSet.Absent(instance, observed.resource)) return *absent;
  const Json& resource = *observed.resource;
  const int64_t ready = ReadyPods(observed.pods);
  const int percent = Percent(ready, instance.instances);
  const std::string count =
      std::to_string(ready) + " of " + std::to_string(instance.instances) + " members are ready";
  if (auto missing = AccessMissing(instance, observed, percent)) return *missing;
  if (auto failure = ToldFailure(instance, resource, percent)) return *failure;

  const std::string& phase = resource.At("status/phase").AsString();
  if (phase.empty() && waited_ms > kSilentMs) {
    return OperatorSilent("the MongoDBCommunity has had no status", "its operator", waited_ms,
                          kReplicaSet.Waiting(instance, "OperatorNotResponding"));
  }
  const bool all_there = ready == instance.instances &&
                         observed.pods.size() == static_cast<size_t>(instance.instances) &&
                         observed.members != nullptr && RolledOut(instance, *observed.members);
  if (phase == "Running" && all_there) {
    if (const std::string what = NotYetTakenOver(instance, resource); !what.empty()) {
      return Progress("StatusBehindSpec", "the operator has not taken over " + what, percent,
                      kReplicaSet.Waiting(instance, "StatusBehindSpec"));
    }
    if (const Json* behind = AgentBehind(observed); behind != nullptr) {
      return Progress("AgentBehind",
                      "an agent has not reached the newest configuration of the replica set",
                      percent, WaitingFor(*behind, "AgentBehind"));
    }
    return Ready("ReplicaSetHealthy", count);
  }
  if (const auto trouble = Worse(WorstOfPods(observed.pods), WorstOfVolumes(observed.volumes))) {
    return Progress("WaitingForMembers", count + "; " + trouble->message, percent,
                    WaitingFor(*trouble->object, trouble->reason));
  }
  if (observed.members != nullptr) {
    if (auto trouble = StatefulSetTrouble(instance, observed, percent)) return *trouble;
  }
  const std::string& message = resource.At("status/message").AsString();
  return Progress("WaitingForMembers",
                  count + (message.empty() ? "" : "; the operator says: " + message), percent,
                  observed.members == nullptr ? kReplicaSet.Waiting(instance, "StatefulSetMissing")
                                              : NextPod(instance, observed));
}

}  // namespace mongodb
