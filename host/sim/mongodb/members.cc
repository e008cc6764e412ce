#include <algorithm>

#include "sim/mongodb/pass.h"
#include "sim/operators/kubelet.h"
#include "sim/operators/objects_json.h"
#include "sim/operators/stateful_sets.h"

// What runs a replica set besides its operator: the cluster's machinery, and in every pod an agent
// that works towards the automation config and says how far it is in an annotation of its pod.
namespace slipway::sim::operators::mongodb {

namespace {

// Waits of the real ones, scaled by the pace.
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
    for (Json& pod : pass_.pods) {
      const Json* set = SetOf(pod);
      if (set != nullptr && PodActive(pod)) TRY_VOID(PlayPod(*set, pod));
    }
    return UpgradeOne();
  }

 private:
  const Json* SetOf(const Json& pod) const {
    for (const Json& set : pass_.sets)
      if (set.is_object() && OwnedBy(set, pod)) return &set;
    return nullptr;
  }

  bool InConfig(const std::string& pod) const {
    for (const Json& process : pass_.memory.config["processes"].items())
      if (process["name"].AsString() == pod) return true;
    return false;
  }

  // The first plan of all needs every member: the replica set is initiated with them.
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
    if (!PodReady(pod)) {
      if (!pass_.Due("agent-" + UidOf(pod), kAgentMs)) return {};
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
    // Only the agent has a probe; the others are ready as soon as they run.
    std::vector<std::string> ready;
    for (const Json& container : pod.At("/spec/containers").items())
      if (container["name"].AsString() != kAgent) ready.push_back(container["name"].AsString());
    return SetContainersReady(pass_, pod, ready);
  }

  // Whether the agent can reach the config where it runs: one whose process is not in it yet has
  // nothing to do, a server of another version must be replaced first.
  bool Reached(const Json& set, const Json& pod) const {
    if (pass_.config_version() == 0) return false;
    if (!InConfig(NameOf(pod))) return true;
    return !Outdated(set, pod) && (initiated_ || all_running_);
  }

  // During a version change pods are replaced by what runs in them, not by the controller.
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

  // The hook in a stopped server's container deletes its pod: the secondaries one after the other,
  // the primary, which is the first member, last.
  Result<void> UpgradeOne() {
    Json* next = nullptr;
    int64_t highest = -1;
    for (Json& pod : pass_.pods) {
      const Json* set = SetOf(pod);
      if (set == nullptr) continue;
      if (!PodActive(pod) || !PodReady(pod)) return {};
      const bool told =
          pass_.memory.config.At("/processes/0/version").AsString() == pass_.spec.version;
      const int64_t ordinal = OrdinalOf(*set, pod);
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
