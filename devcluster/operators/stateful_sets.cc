#include "devcluster/operators/stateful_sets.h"

#include <algorithm>
#include <map>

#include "base/crypto.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/others.h"

namespace slipway::sim::operators {

namespace {

constexpr char kRevisionLabel[] = "controller-revision-hash";

bool PodHealthy(const Json& pod) {
  return PodRunning(pod) && PodReady(pod) && !BeingDeleted(pod);
}

bool PodEnded(const Json& pod) {
  const std::string& phase = pod.At("/status/phase").AsString();
  return phase == "Failed" || phase == "Succeeded";
}

// A real controller gives revisions another kind of name.
Result<bool> OthersPlay(Pass& pass, const Json& set) {
  const std::string& revision = set.At("/status/updateRevision").AsString();
  if (!revision.empty()) return revision.back() != kOurMark;
  return SomebodyElsePlays(pass, set, "statefulset-controller");
}

struct Member {
  int64_t ordinal;
  size_t at;  // its index in the vector of pods
};

// One pass over one set.
class SetPass {
 public:
  SetPass(Pass& pass, Json& set, std::vector<Json>& pods)
      : pass_(pass),
        set_(set),
        pods_(pods),
        replicas_(set.At("/spec/replicas").AsInt(1)),
        in_order_(set.At("/spec/podManagementPolicy").AsString() != "Parallel"),
        revision_(RevisionOf(set)) {}

  Result<void> Run() {
    TRY_VOID(Adopt());
    TRY(const bool settled, Scale());
    if (settled &&
        set_.At("/spec/updateStrategy/type").AsString("RollingUpdate") == "RollingUpdate")
      TRY_VOID(Roll());
    return Report();
  }

 private:
  // Adopts pods with names of this set that lost their owner, for example when a set was deleted
  // without its pods.
  Result<void> Adopt() {
    for (size_t at = 0; at < pods_.size(); ++at) {
      Json& pod = pods_[at];
      const int64_t ordinal = OrdinalOf(set_, pod);
      if (ordinal < 0 || !Selected(pod)) continue;
      if (pod["metadata"]["ownerReferences"].empty() && !BeingDeleted(pod)) {
        const Json owners = PodFrom(set_, "")["metadata"]["ownerReferences"];
        TRY_VOID(pass_.PatchObject(
            pod, Json::Obj({{"metadata", Json::Obj({{"ownerReferences", owners}})}})));
      }
      if (OwnedBy(set_, pod)) members_.push_back({ordinal, at});
    }
    Sort();
    return {};
  }

  bool Selected(const Json& pod) const {
    for (const auto& [key, value] : set_.At("/spec/selector/matchLabels").members())
      if (LabelOf(pod, key) != value.AsString()) return false;
    return true;
  }

  void Sort() {
    std::sort(members_.begin(), members_.end(),
              [](const Member& a, const Member& b) { return a.ordinal < b.ordinal; });
  }

  Json* PodAt(int64_t ordinal) {
    for (const Member& member : members_)
      if (member.ordinal == ordinal) return &pods_[member.at];
    return nullptr;
  }

  // Makes missing pods, then deletes surplus ones. True when there is nothing left to do or to wait
  // for.
  Result<bool> Scale() {
    bool settled = true;
    for (int64_t ordinal = 0; ordinal < replicas_; ++ordinal) {
      Json* pod = PodAt(ordinal);
      if (pod != nullptr && PodEnded(*pod) && !BeingDeleted(*pod)) TRY_VOID(Remove(*pod));
      if (pod == nullptr) TRY_VOID(Make(ordinal));
      if (pod != nullptr && PodHealthy(*pod)) continue;
      settled = false;
      if (in_order_) return false;
    }
    const std::vector<Member> members = members_;
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
      Json& pod = pods_[member->at];
      if (member->ordinal < replicas_) break;
      if (!BeingDeleted(pod)) TRY_VOID(Remove(pod));
      settled = false;
      if (in_order_) return false;
    }
    return settled;
  }

  // Deletes one outdated pod, from the last to the first, and waits until it is healthy again.
  Result<void> Roll() {
    for (auto member = members_.rbegin(); member != members_.rend(); ++member) {
      Json& pod = pods_[member->at];
      if (LabelOf(pod, kRevisionLabel) != revision_ && !BeingDeleted(pod)) return Remove(pod);
      if (!PodHealthy(pod)) return {};
    }
    return {};
  }

  Result<void> Remove(Json& pod) {
    TRY_VOID(pass_.DeleteObject(pod));
    auto left = pass_.kube().Get(RefOf(pod));
    if (left && UidOf(*left) == UidOf(pod)) {
      pod = *std::move(left);
      return {};
    }
    const size_t at = static_cast<size_t>(&pod - pods_.data());
    members_.erase(std::find_if(members_.begin(), members_.end(),
                                [&](const Member& member) { return member.at == at; }));
    pods_[at] = Json();  // the element stays, since others are known by their index
    return {};
  }

  // A real API server checks that the account exists before it admits a pod.
  Result<bool> HasAccount(const std::string& pod) {
    const std::string& account = set_.At("/spec/template/spec/serviceAccountName").AsString();
    if (account.empty() || account == "default") return true;
    const std::string& ns = NamespaceOf(set_);
    auto found = pass_.kube().Get({"v1", "ServiceAccount", ns, account});
    if (found) return true;
    if (found.error().code != Code::kNotFound) return std::move(found).error();
    pass_.RequeueIn(kRefusedPodMs);
    if (!pass_.First("no-account-" + UidOf(set_))) return false;
    pass_.Note(EventAbout(set_, "statefulset-controller", "Warning", "FailedCreate",
                          "create Pod " + pod + " in StatefulSet " + NameOf(set_) +
                              " failed error: pods \"" + pod +
                              "\" is forbidden: error looking up service account " + ns + "/" +
                              account + ": serviceaccount \"" + account + "\" not found",
                          pass_.now()));
    return false;
  }

  Result<void> Make(int64_t ordinal) {
    const std::string name = NameOf(set_) + "-" + std::to_string(ordinal);
    TRY(const bool allowed, HasAccount(name));
    if (!allowed && !pass_.First("claims-" + UidOf(set_) + name)) return {};
    Json pod = PodFrom(set_, name);
    Json volumes = Json::MakeArray();
    for (const Json& claim : set_.At("/spec/volumeClaimTemplates").items()) {
      const std::string claim_name = NameOf(claim) + "-" + name;
      TRY_VOID(MakeClaim(claim, claim_name));
      volumes.Push(Json::Obj({{"name", NameOf(claim)},
                              {"persistentVolumeClaim", Json::Obj({{"claimName", claim_name}})}}));
    }
    if (!allowed) return {};
    for (const Json& volume : pod.At("/spec/volumes").items()) volumes.Push(volume);
    pod["spec"].Set("volumes", std::move(volumes));
    pod["spec"].Set("hostname", name).Set("subdomain", set_["spec"]["serviceName"]);
    pod["metadata"].Set("generateName", NameOf(set_) + "-");
    pod["metadata"]["labels"]
        .Set("apps.kubernetes.io/pod-index", std::to_string(ordinal))
        .Set(kRevisionLabel, revision_)
        .Set("statefulset.kubernetes.io/pod-name", name);
    TRY(Json made, pass_.CreateObject(pod));
    members_.push_back({ordinal, pods_.size()});
    pods_.push_back(std::move(made));
    Sort();
    return {};
  }

  Result<void> MakeClaim(const Json& of, const std::string& name) {
    Json labels = of["metadata"]["labels"];
    labels.MergePatch(set_.At("/spec/selector/matchLabels"));
    Json metadata = of["metadata"];
    metadata.Set("name", name).Set("namespace", NamespaceOf(set_)).Set("labels", labels);
    auto made = pass_.CreateObject(Json::Obj({{"apiVersion", "v1"},
                                              {"kind", "PersistentVolumeClaim"},
                                              {"metadata", std::move(metadata)},
                                              {"spec", of["spec"]}}));
    if (!made) return std::move(made).error();
    return {};
  }

  Result<void> Report() {
    Json status = set_["status"];
    const Json& before = set_["status"];
    std::string current = before["currentRevision"].AsString();
    if (current.empty()) current = revision_;
    int64_t replicas = 0, ready = 0, of_current = 0, of_update = 0;
    for (const Member& member : members_) {
      const Json& pod = pods_[member.at];
      ++replicas;
      if (PodRunning(pod) && PodReady(pod)) ++ready;
      if (BeingDeleted(pod)) continue;
      if (LabelOf(pod, kRevisionLabel) == current) ++of_current;
      if (LabelOf(pod, kRevisionLabel) == revision_) ++of_update;
    }
    const bool rolls =
        set_.At("/spec/updateStrategy/type").AsString("RollingUpdate") == "RollingUpdate";
    if (rolls && of_update == replicas_ && ready == replicas_) {
      current = revision_;
      of_current = of_update;
    }
    const auto count = [&](const char* key, int64_t number) {
      SetOrErase(status, key, number == 0 ? Json() : Json(number));
    };
    status.Set("observedGeneration", set_["metadata"]["generation"].AsInt());
    status.Set("replicas", replicas).Set("availableReplicas", ready);
    status.Set("collisionCount", 0);
    status.Set("currentRevision", current).Set("updateRevision", revision_);
    count("readyReplicas", ready);
    count("currentReplicas", of_current);
    count("updatedReplicas", of_update);
    return pass_.PutStatusOf(set_, std::move(status));
  }

  Pass& pass_;
  Json& set_;
  std::vector<Json>& pods_;
  const int64_t replicas_;
  const bool in_order_;
  const std::string revision_;
  std::vector<Member> members_;
};

}  // namespace

std::string TemplateHash(const Json& owner) {
  static constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  const std::string hash = Sha256(owner.At("/spec/template").Dump());
  std::string out;
  for (size_t i = 0; i < 9; ++i)
    out += kAlphabet[static_cast<unsigned char>(hash[i]) % kAlphabet.size()];
  return out + kOurMark;
}

std::string RevisionOf(const Json& set) {
  return NameOf(set) + "-" + TemplateHash(set);
}

int64_t OrdinalOf(const Json& set, const Json& pod) {
  const std::string &name = NameOf(pod), prefix = NameOf(set) + "-";
  if (name.size() <= prefix.size() || name.compare(0, prefix.size(), prefix) != 0) return -1;
  const std::string digits = name.substr(prefix.size());
  if (digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos) return -1;
  return std::stoll(digits);
}

bool OwnedBy(const Json& set, const Json& pod) {
  for (const Json& owner : pod["metadata"]["ownerReferences"].items())
    if (owner["controller"].AsBool() && owner["uid"].AsString() == UidOf(set)) return true;
  return false;
}

bool StatefulSetReady(const Json& set, int64_t replicas) {
  const Json& status = set["status"];
  return status["updatedReplicas"].AsInt() == replicas &&
         status["readyReplicas"].AsInt() == replicas &&
         status["observedGeneration"].AsInt() == set["metadata"]["generation"].AsInt();
}

Result<void> PlayStatefulSet(Pass& pass, Json& set, std::vector<Json>& pods) {
  if (BeingDeleted(set)) return {};
  TRY(const bool others, OthersPlay(pass, set));
  if (others) return {};
  return SetPass(pass, set, pods).Run();
}

}  // namespace slipway::sim::operators
