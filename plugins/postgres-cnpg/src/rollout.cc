#include "rollout.h"

#include <algorithm>
#include <utility>

namespace cnpg {

namespace {

constexpr int64_t kSettleMs = 5000;
constexpr char kRestartedAt[] = "kubectl.kubernetes.io/restartedAt";
constexpr char kChoice[] = "slipway.dev/switchover";  // "OPERATION/POD"

const std::string& AnnotationOf(const Json& object, std::string_view name) {
  return object["metadata"]["annotations"][name].AsString();
}

Json Annotated(const Json& cluster, const char* name, const std::string& value) {
  return Patch(cluster,
               Json::Obj({{"metadata", Json::Obj({{"annotations", Json::Obj({{name, value}})}})}}));
}

const std::string& NameIn(const Json& object) {
  return object["metadata"]["name"].AsString();
}

// Do the servers' containers request what the size says? The other containers of the pod have sizes
// of their own.
bool HasSize(const Json& pod, const Sizing& sizing) {
  for (const Json& container : pod.At("spec/containers").items()) {
    if (container["name"].AsString() != "postgres") continue;
    const Json& requests = container.At("resources/requests");
    return Bytes(requests["memory"].AsString()) == sizing.memory_bytes &&
           Millis(requests["cpu"].AsString()) == sizing.cpu_millis;
  }
  return false;
}

const Json* PodNamed(const Observed& observed, const std::string& name) {
  const auto found = std::find_if(observed.pods.begin(), observed.pods.end(), [&](const Json* pod) {
    return (*pod)["metadata"]["name"].AsString() == name;
  });
  return found == observed.pods.end() ? nullptr : *found;
}

// The first replica that can take over; empty without one.
std::string AnyReplica(const Observed& observed, const std::string& primary) {
  std::string best;
  for (const Json* pod : observed.pods) {
    const std::string& name = (*pod)["metadata"]["name"].AsString();
    if (IsReadyPod(*pod) && name != primary && (best.empty() || name < best)) best = name;
  }
  return best;
}

// Chooses, and writes the choice down.
Json Choose(const Wish& wish, const Instance& instance, const Observed& observed) {
  const Json& cluster = *observed.cluster;
  const std::string& primary = cluster.At("status/currentPrimary").AsString();
  if (wish.target == primary)
    return Result(Failed("TargetIsPrimary", wish.target + " is the primary already"));
  if (!wish.target.empty() && PodNamed(observed, wish.target) == nullptr)
    return Result(Failed("TargetNotFound", "the instance has no member " + wish.target));
  const std::string target = wish.target.empty() ? AnyReplica(observed, primary) : wish.target;
  if (target.empty()) return Result(Failed("NoReplica", "the instance has no replica"));
  return Result(Progress("TargetChosen", target + " is to be the primary", -1,
                         kCluster.Waiting(instance, "TargetChosen")))
      .Set("patch", Json::Arr({Annotated(cluster, kChoice, wish.operation_id + "/" + target)}));
}

// As `kubectl cnpg promote` does it. A merge patch replaces the whole list of conditions.
Json Promotion(const Json& cluster, const std::string& target, int64_t now_ms) {
  Json conditions = Json::Arr();
  for (const Json& condition : cluster.At("status/conditions").items()) {
    if (condition["type"].AsString() != "Ready") {
      conditions.Push(condition);
      continue;
    }
    conditions.Push(Json::Obj({{"type", "Ready"},
                               {"status", "False"},
                               {"reason", "ClusterIsNotReady"},
                               {"message", "Cluster Is Not Ready"},
                               {"lastTransitionTime", MicroTime(now_ms)}}));
  }
  return StatusPatch(cluster, Json::Obj({{"targetPrimary", target},
                                         {"targetPrimaryTimestamp", MicroTime(now_ms)},
                                         {"phase", "Switchover in progress"},
                                         {"phaseReason", "Switching over to " + target},
                                         {"conditions", std::move(conditions)}}));
}

}  // namespace

Json AskRestart(const Instance& instance, const Json& cluster, int64_t started_ms) {
  const std::string wanted = MicroTime(started_ms);
  if (AnnotationOf(cluster, kRestartedAt) == wanted)
    return Result(Ready("RestartRequested", "the operator has been asked to restart"));
  return Result(Progress("RequestingRestart", "the operator is being asked to restart", -1,
                         kCluster.Waiting(instance, "RestartNotRequested")))
      .Set("patch", Json::Arr({Annotated(cluster, kRestartedAt, wanted)}));
}

Judgement JudgeRestart(const Instance& instance, const Observed& observed, int64_t waited_ms) {
  Judgement health = JudgeCluster(instance, observed, false, waited_ms);
  if (observed.cluster == nullptr) return health;
  // Whoever asked last: that restart is one, too.
  const std::string& wanted = AnnotationOf(*observed.cluster, kRestartedAt);
  int64_t restarted = 0;
  const Json* next = nullptr;
  for (const Json* pod : observed.pods) {
    if (AnnotationOf(*pod, kRestartedAt) == wanted)
      ++restarted;
    else if (next == nullptr)
      next = pod;
  }
  if (!health.IsReady() || next == nullptr) return health;
  return Progress("Restarting",
                  std::to_string(restarted) + " of " + std::to_string(instance.instances) +
                      " instances have been restarted",
                  Percent(restarted, instance.instances), WaitingFor(*next, "NotRestarted"));
}

Judgement JudgeUpdate(const Instance& instance, const Json& before, const Observed& observed,
                      int64_t waited_ms) {
  Judgement health = JudgeCluster(instance, observed, false, waited_ms);
  if (!health.IsReady()) return health;
  for (const Json* pod : observed.pods) {
    if (HasSize(*pod, instance.sizing)) continue;
    return Progress("Resizing", NameIn(*pod) + " still has its old size", -1,
                    WaitingFor(*pod, "NotResized"));
  }
  for (const Json* volume : observed.volumes) {
    const auto capacity = Bytes(volume->At("status/capacity/storage").AsString());
    if (capacity && *capacity >= instance.sizing.storage_bytes) continue;
    return Progress("GrowingStorage", NameIn(*volume) + " has not grown yet", -1,
                    WaitingFor(*volume, "NotGrown"));
  }
  if (before != instance.parameters && waited_ms < kSettleMs)
    return Progress("Settling", "the operator is given time to see the new parameters", -1,
                    kCluster.Waiting(instance, "Settling"));
  return health;
}

Json SwitchTo(const Wish& wish, const Instance& instance, const Observed& observed,
              const Judgement& health) {
  const Json& cluster = *observed.cluster;
  const std::string& choice = AnnotationOf(cluster, kChoice);
  const bool chosen = choice.starts_with(wish.operation_id + "/");
  if (!chosen) return health.IsReady() ? Choose(wish, instance, observed) : Result(health);
  const std::string target = choice.substr(wish.operation_id.size() + 1);
  const std::string& primary = cluster.At("status/currentPrimary").AsString();
  if (primary == target) return Result(Ready("SwitchedOver", target + " is the primary"));
  const Json* pod = PodNamed(observed, target);
  if (pod == nullptr || !IsReadyPod(*pod))
    return Result(Failed("TargetLost", target + " was lost before it became the primary"));
  Json out =
      Result(Progress("PrimaryChanging", "the primary is moving from " + primary + " to " + target,
                      -1, kCluster.Waiting(instance, "PrimaryChanging")));
  // Nobody is asked while another change is on its way.
  const bool asked = cluster.At("status/targetPrimary").AsString() != primary;
  return asked ? out : out.Set("patch", Json::Arr({Promotion(cluster, target, wish.now_ms)}));
}

}  // namespace cnpg
