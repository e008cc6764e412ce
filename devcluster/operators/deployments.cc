#include "devcluster/operators/deployments.h"

#include <algorithm>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/others.h"
#include "devcluster/operators/stateful_sets.h"

namespace slipway::sim::operators {

namespace {

constexpr char kHashLabel[] = "pod-template-hash",
               kRevision[] = "deployment.kubernetes.io/revision";

struct Counts {
  int64_t replicas = 0, ready = 0;
};

Counts CountOf(const Json& set, const std::vector<Json>& pods) {
  Counts out;
  for (const Json& pod : pods) {
    if (!OwnedBy(set, pod) || !PodActive(pod)) continue;
    ++out.replicas;
    if (PodRunning(pod) && PodReady(pod)) ++out.ready;
  }
  return out;
}

void Count(Json& status, const char* key, int64_t number) {
  SetOrErase(status, key, number == 0 ? Json() : Json(number));
}

class DeploymentPass {
 public:
  DeploymentPass(Pass& pass, Json& deployment, std::vector<Json>& sets, std::vector<Json>& pods)
      : pass_(pass),
        deployment_(deployment),
        sets_(sets),
        pods_(pods),
        wanted_(deployment.At("/spec/replicas").AsInt(1)),
        hash_(TemplateHash(deployment)) {}

  Result<bool> OthersPlay() const {
    bool ours = false;
    for (const Json& set : sets_) {
      if (!OwnedBy(deployment_, set)) continue;
      ours = true;
      const std::string& hash = LabelOf(set, kHashLabel);
      if (hash.empty() || hash.back() != kOurMark) return true;
    }
    if (ours) return false;
    return SomebodyElsePlays(pass_, deployment_, "deployment-controller");
  }

  Result<void> Run() {
    TRY_VOID(EnsureNewest());
    TRY_VOID(Roll());
    for (Json& set : sets_)
      if (OwnedBy(deployment_, set)) TRY_VOID(PlaySet(set));
    return Report();
  }

 private:
  bool Newest(const Json& set) const { return LabelOf(set, kHashLabel) == hash_; }

  Result<void> EnsureNewest() {
    int64_t revision = 0;
    const auto revision_of = [](const Json& set) {
      return std::atoll(AnnotationOf(set, kRevision).c_str());
    };
    Json* newest = nullptr;
    for (Json& set : sets_) {
      if (!OwnedBy(deployment_, set)) continue;
      revision = std::max<int64_t>(revision, revision_of(set));
      if (Newest(set)) newest = &set;
    }
    if (newest == nullptr) {
      TRY(Json made, pass_.CreateObject(NewSet(revision + 1)));
      sets_.push_back(std::move(made));
      newest = &sets_.back();
    } else if (revision_of(*newest) < revision) {  // back to an earlier template
      TRY_VOID(pass_.PatchObject(*newest, Revision(revision + 1)));
    }
    return pass_.PatchObject(deployment_, Revision(revision_of(*newest)));
  }

  static Json Revision(int64_t number) {
    return Json::Obj(
        {{"metadata",
          Json::Obj({{"annotations", Json::Obj({{kRevision, std::to_string(number)}})}})}});
  }

  Json NewSet(int64_t revision) const {
    Json set = PodFrom(deployment_, NameOf(deployment_) + "-" + hash_);
    Json& metadata = set["metadata"];
    metadata.Erase("annotations");
    metadata["labels"].Set(kHashLabel, hash_);
    set.MergePatch(Revision(revision));
    Json tmpl = deployment_.At("/spec/template");
    tmpl["metadata"]["labels"].Set(kHashLabel, hash_);
    Json selector = deployment_.At("/spec/selector");
    selector["matchLabels"].Set(kHashLabel, hash_);
    return set.Set("apiVersion", "apps/v1")
        .Set("kind", "ReplicaSet")
        .Set("spec", Json::Obj({{"replicas", 0},
                                {"selector", std::move(selector)},
                                {"template", std::move(tmpl)}}));
  }

  Result<void> Scale(Json& set, int64_t replicas) {
    return pass_.PatchObject(set, Json::Obj({{"spec", Json::Obj({{"replicas", replicas}})}}));
  }

  // Keeps at most one pod more than wanted, and never fewer ready pods than wanted.
  Result<void> Roll() {
    int64_t old = 0, ready = 0, newest_replicas = 0;
    for (const Json& set : sets_) {
      if (!OwnedBy(deployment_, set)) continue;
      const Counts counts = CountOf(set, pods_);
      if (Newest(set)) ready = counts.ready;
      (Newest(set) ? newest_replicas : old) += set.At("/spec/replicas").AsInt();
    }
    const int64_t room = wanted_ + 1 - old - newest_replicas;
    const int64_t grown =
        old == 0 ? wanted_ : std::min(wanted_, newest_replicas + std::max<int64_t>(room, 0));
    int64_t surplus = std::min(old, old + ready - wanted_);
    for (Json& set : sets_) {
      if (!OwnedBy(deployment_, set)) continue;
      if (Newest(set)) {
        TRY_VOID(Scale(set, grown));
        continue;
      }
      const int64_t replicas = set.At("/spec/replicas").AsInt();
      const int64_t cut = std::clamp<int64_t>(surplus, 0, replicas);
      surplus -= cut;
      if (cut > 0) TRY_VOID(Scale(set, replicas - cut));
    }
    return {};
  }

  Result<void> PlaySet(Json& set) {
    const int64_t wanted = set.At("/spec/replicas").AsInt();
    std::vector<Json*> active;
    for (Json& pod : pods_)
      if (OwnedBy(set, pod) && PodActive(pod)) active.push_back(&pod);
    const auto unready = std::stable_partition(active.begin(), active.end(), [](const Json* pod) {
      return PodRunning(*pod) && PodReady(*pod);
    });
    std::reverse(unready, active.end());
    auto have = static_cast<int64_t>(active.size());
    for (; have > wanted; --have) TRY_VOID(Remove(*active[static_cast<size_t>(have - 1)]));
    std::string refusal;
    for (; have < wanted && refusal.empty(); ++have) TRY_VOID(Make(set, refusal));
    return ReportSet(set, refusal);
  }

  Result<void> Remove(Json& pod) {
    TRY_VOID(pass_.DeleteObject(pod));
    pod["metadata"].Set("deletionTimestamp", FormatSeconds(pass_.now()));
    return {};
  }

  // When an admission refuses the pod, an event says so and the next pass tries again.
  Result<void> Make(const Json& set, std::string& refusal) {
    Json pod = PodFrom(set, NameOf(set) + "-" + PodSuffix());
    pod["metadata"].Set("generateName", NameOf(set) + "-");
    auto made = pass_.CreateObject(pod);
    if (made) {
      pods_.push_back(*std::move(made));
      return {};
    }
    if (made.error().code != Code::kForbidden && made.error().code != Code::kExhausted)
      return std::move(made).error();
    refusal = made.error().message;
    refused_ = refusal;
    pass_.RequeueIn(kRefusedPodMs);
    if (pass_.First("refused-" + UidOf(set) + refusal))
      pass_.Note(EventAbout(set, "replicaset-controller", "Warning", "FailedCreate",
                            "Error creating: " + refusal, pass_.now()));
    return {};
  }

  void SetFailure(Json& conditions, const std::string& refusal) const {
    std::erase_if(conditions.items(), [](const Json& condition) {
      return condition["type"].AsString() == "ReplicaFailure";
    });
    if (!refusal.empty())
      SetCondition(conditions, "ReplicaFailure", true, "FailedCreate", refusal, pass_.now());
  }

  Result<void> ReportSet(Json& set, const std::string& refusal) {
    const Counts counts = CountOf(set, pods_);
    Json status = set["status"];
    if (!status.is_object()) status = Json::MakeObject();
    status.Set("replicas", counts.replicas)
        .Set("observedGeneration", set["metadata"]["generation"].AsInt());
    Count(status, "fullyLabeledReplicas", counts.replicas);
    Count(status, "readyReplicas", counts.ready);
    Count(status, "availableReplicas", counts.ready);
    if (refusal.empty() != ConditionOf(set, "ReplicaFailure").is_null()) {
      Json conditions = status["conditions"];
      SetFailure(conditions, refusal);
      SetOrErase(status, "conditions", conditions.empty() ? Json() : conditions);
    }
    return pass_.PutStatusOf(set, std::move(status));
  }

  Result<void> Report() {
    Counts all, newest;
    for (const Json& set : sets_) {
      if (!OwnedBy(deployment_, set)) continue;
      const Counts counts = CountOf(set, pods_);
      all.replicas += counts.replicas;
      all.ready += counts.ready;
      if (Newest(set)) newest = counts;
    }
    Json status = deployment_["status"];
    if (!status.is_object()) status = Json::MakeObject();
    status.Set("observedGeneration", deployment_["metadata"]["generation"].AsInt());
    Count(status, "replicas", all.replicas);
    Count(status, "updatedReplicas", newest.replicas);
    Count(status, "readyReplicas", all.ready);
    Count(status, "availableReplicas", all.ready);
    Count(status, "unavailableReplicas", std::max<int64_t>(wanted_ - all.ready, 0));
    SetConditions(status["conditions"], all, newest);
    return pass_.PutStatusOf(deployment_, std::move(status));
  }

  void SetConditions(Json& conditions, const Counts& all, const Counts& newest) const {
    // A quarter of the pods may be unavailable, rounded down.
    const bool available = all.ready >= wanted_ - wanted_ / 4;
    SetCondition(conditions, "Available", available,
                 available ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                 available ? "Deployment has minimum availability."
                           : "Deployment does not have minimum availability.",
                 pass_.now());
    const bool done = newest.ready >= wanted_ && all.replicas == newest.replicas;
    const std::string set = "ReplicaSet \"" + NameOf(deployment_) + "-" + hash_ + "\" ";
    SetCondition(conditions, "Progressing", true,
                 done ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
                 set + (done ? "has successfully progressed." : "is progressing."), pass_.now());
    if (!refused_.empty() || !ConditionOf(deployment_, "ReplicaFailure").is_null())
      SetFailure(conditions, refused_);
  }

  Pass& pass_;
  Json& deployment_;
  std::vector<Json>& sets_;
  std::vector<Json>& pods_;
  const int64_t wanted_;
  const std::string hash_;
  std::string refused_;
};

}  // namespace

Result<void> PlayDeployment(Pass& pass, Json& deployment, std::vector<Json>& sets,
                            std::vector<Json>& pods) {
  if (BeingDeleted(deployment)) return {};
  DeploymentPass one(pass, deployment, sets, pods);
  TRY(const bool others, one.OthersPlay());
  if (others) return {};
  return one.Run();
}

bool DeploymentAvailable(const Json& deployment) {
  return ConditionTrue(deployment, "Available");
}

}  // namespace slipway::sim::operators
