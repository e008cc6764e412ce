#include <algorithm>

#include "devcluster/mongodb/pass.h"
#include "devcluster/mongodb/servers.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/stateful_sets.h"

// Plays what a replica set needs besides its operator: the cluster's machinery, and an agent in
// every pod. The agent works towards the automation config and writes how far it is into an
// annotation of its pod.
namespace slipway::sim::operators::mongodb {

namespace {

// The waits of the real programs, scaled by the pace.
constexpr int64_t kAgentMs = 15'000, kGoalMs = 6000, kHookMs = 3000;
constexpr char kAgent[] = "mongodb-agent", kNoPlanYet[] = "-1";

class Members {
 public:
  explicit Members(InstancePass& pass)
      : pass_(pass), goal_(std::to_string(pass.config_version())) {}

  Result<void> Play() {
    for (Json& claim : pass_.claims)
      if (!BeingDeleted(claim)) TRY_VOID(BindVolume(pass_, claim));
    for (Json& set : pass_.sets)
      if (set.is_object()) TRY_VOID(PlayStatefulSet(pass_, set, pass_.pods));
    Look();
    pass_.env.servers->Direct(pass_);
    for (Json& pod : pass_.pods) {
      const Json* set = SetOf(pod);
      if (set != nullptr && PodActive(pod)) TRY_VOID(PlayPod(*set, pod));
    }
    pass_.env.servers->Publish(pass_);
    return UpgradeOne();
  }

 private:
  const Json* SetOf(const Json& pod) const {
    for (const Json& set : pass_.sets)
      if (set.is_object() && OwnedBy(set, pod)) return &set;
    return nullptr;
  }

  // The very first plan needs every member, since they initiate the replica set together.
  void Look() {
    for (const Json& process : pass_.memory.config["processes"].items()) {
      const Json* pod = pass_.PodNamed(process["name"].AsString());
      all_running_ &= pod != nullptr && PodRunning(*pod);
    }
    for (const Json& pod : pass_.pods) {
      const std::string& reached = AnnotationOf(pod, kAgentVersion);
      initiated_ |= !reached.empty() && reached != kNoPlanYet;
    }
    initiated_ |= !pass_.status()["version"].AsString().empty();
  }

  Result<void> PlayPod(const Json& set, Json& pod) {
    const std::string& fault = pass_.spec.fault;
    if (!PodRunning(pod)) return StartPod(set, pod);
    if (fault == "never-ready" && !PodReady(pod)) return {};
    if (pass_.env.servers->Lost(pass_, pod))
      return PodReady(pod) ? SetContainersReady(pass_, pod, BesideAgent(pod)) : Result<void>();
    if (!PodReady(pod)) {
      if (!pass_.Due("agent-" + UidOf(pod), kAgentMs)) return {};
      // Once the set is initiated, the pod's server has to answer.
      if (initiated_ && pass_.InConfig(NameOf(pod)) && !pass_.env.servers->Reached(pass_, pod))
        return {};
      // An agent that waits for the other members counts as ready.
      TRY_VOID(SetReady(pass_, pod, true));
      return Say(pod, Reached(set, pod) ? goal_ : kNoPlanYet);
    }
    if (AnnotationOf(pod, kAgentVersion) == goal_ || !Reached(set, pod)) return {};
    const bool first = AnnotationOf(pod, kAgentVersion) == kNoPlanYet;
    if (!first && !pass_.Due("goal-" + UidOf(pod) + "-" + goal_, kGoalMs)) return {};
    return Say(pod, goal_);
  }

  Result<void> StartPod(const Json& set, Json& pod) {
    const std::string node =
        "slipway-sim-" + std::to_string(std::max<int64_t>(OrdinalOf(set, pod), 0) % 3 + 1);
    TRY(const bool placed, Schedule(pass_, pod, node, pass_.spec.fault));
    if (!placed) return {};
    if (const Hindrance hindrance = Hindrance::ImagePull(pod, pass_.spec.fault))
      return Hinder(pass_, pod, hindrance);
    if (!pass_.Due("start-" + UidOf(pod), kStartMs)) return {};
    TRY_VOID(SetRunning(pass_, pod, false));
    return SetContainersReady(pass_, pod, BesideAgent(pod));
  }

  // Only the agent's container has a probe; the others are ready as soon as they run.
  static std::vector<std::string> BesideAgent(const Json& pod) {
    std::vector<std::string> out;
    for (const Json& container : pod.At("/spec/containers").items())
      if (container["name"].AsString() != kAgent) out.push_back(container["name"].AsString());
    return out;
  }

  // True when the agent has reached the config, as far as its pod allows. An agent whose process is
  // not in the config yet has nothing to do. A server of another version must be replaced first.
  bool Reached(const Json& set, const Json& pod) const {
    if (pass_.config_version() == 0) return false;
    if (!pass_.InConfig(NameOf(pod))) return true;
    return !Outdated(set, pod) && (initiated_ || all_running_) &&
           pass_.env.servers->Reached(pass_, pod);
  }

  // During a version change each pod is deleted from inside, not by the controller.
  static bool Outdated(const Json& set, const Json& pod) {
    return set.At("/spec/updateStrategy/type").AsString() == "OnDelete" &&
           ImageOf(pod.At("/spec/containers")) != ImageOf(set.At("/spec/template/spec/containers"));
  }

  static std::string ImageOf(const Json& containers) {
    for (const Json& container : containers.items())
      if (container["name"].AsString() == "mongod") return container["image"].AsString();
    return "";
  }

  Result<void> Say(Json& pod, const std::string& version) {
    return pass_.PatchObject(
        pod, Json::Obj({{"metadata",
                         Json::Obj({{"annotations", Json::Obj({{kAgentVersion, version}})}})}}));
  }

  // A hook in the container of a stopped server deletes the pod. The secondaries go one after the
  // other and the primary last; where no servers run, the first member stands for the primary.
  Result<void> UpgradeOne() {
    Json* next = nullptr;
    int64_t highest = -2;
    for (Json& pod : pass_.pods) {
      const Json* set = SetOf(pod);
      if (set == nullptr) continue;
      if (!PodActive(pod) || !PodReady(pod)) return {};
      const bool told =
          pass_.memory.config.At("/processes/0/version").AsString() == pass_.spec.version;
      const bool leads = NameOf(pod) == pass_.memory.primary;
      const int64_t ordinal = leads ? -1 : OrdinalOf(*set, pod);
      if (!told || !Outdated(*set, pod) || ordinal <= highest) continue;
      highest = ordinal;
      next = &pod;
    }
    if (next == nullptr || !pass_.Due("hook-" + UidOf(*next) + "-" + goal_, kHookMs)) return {};
    return pass_.DeleteObject(*next);
  }

  InstancePass& pass_;
  const std::string goal_;
  bool initiated_ = false, all_running_ = true;
};

}  // namespace

Result<void> PlayMembers(InstancePass& pass) {
  return Members(pass).Play();
}

}  // namespace slipway::sim::operators::mongodb
