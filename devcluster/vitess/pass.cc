#include "devcluster/vitess/pass.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/names.h"
#include "devcluster/vitess/object_parts.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr int64_t kAvailableMs = 30'000, kRefusedMs = 2000;
// After a restart of the operator, a pod counts as available this much later than its own clock
// says.
constexpr int64_t kMarginMs = 5000;

struct Listed {
  const char *api_version, *kind;
};

constexpr Listed kListed[] = {{kGroup, "EtcdLockserver"},
                              {kGroup, "VitessBackupStorage"},
                              {kGroup, "VitessBackupSchedule"},
                              {kGroup, "VitessCell"},
                              {kGroup, "VitessKeyspace"},
                              {kGroup, "VitessShard"},
                              {kGroup, "VitessBackup"},
                              {"v1", "Pod"},
                              {"v1", "PersistentVolumeClaim"},
                              {"v1", "Service"},
                              {"apps/v1", "Deployment"},
                              {"apps/v1", "ReplicaSet"},
                              {"batch/v1", "Job"}};

std::string VersionOf(const Json& object) {
  return object["metadata"]["resourceVersion"].AsString();
}

// True when `have` contains everything in `want`; the rest are defaults of a server.
bool Within(const Json& have, const Json& want) {
  if (want.is_object()) {
    for (const auto& [key, value] : want.members())
      if (!Within(have[key], value)) return false;
    return true;
  }
  if (!want.is_array()) return have == want;
  if (have.size() != want.size()) return false;
  for (size_t i = 0; i < want.size(); ++i)
    if (!Within(have[i], want[i])) return false;
  return true;
}

bool Refused(const Error& error) {
  return error.code == Code::kForbidden || error.code == Code::kExhausted ||
         error.code == Code::kInvalid;
}

}  // namespace

Result<void> ClusterPass::Read(const std::string& ns, const std::string& name) {
  TRY(cluster, kube().Get({kGroup, kKind, ns, name}));
  spec = ClusterSpec::Parse(cluster);
  if (memory.uid != spec.uid) {
    memory = ClusterMemory();
    memory.uid = spec.uid;
  }
  const kube::ListOptions options{.label_selector = std::string(kClusterLabel) + "=" + name};
  for (const Listed& listed : kListed) {
    TRY(kube::ObjectList found, kube().List(listed.api_version, listed.kind, ns, options));
    objects_[listed.kind] = std::move(found.items);
  }
  return {};
}

Json* ClusterPass::Find(const std::string& kind, const std::string& name) {
  for (Json& object : All(kind))
    if (NameOf(object) == name) return &object;
  return nullptr;
}

Result<std::string> ClusterPass::MissingPriority(const Json& pod) {
  const std::string& name = pod.At("/spec/priorityClassName").AsString();
  if (pod["kind"].AsString() != "Pod" || name.empty()) return std::string();
  auto found = kube().Get({"scheduling.k8s.io/v1", "PriorityClass", "", name});
  if (found) return std::string();
  if (found.error().code != Code::kNotFound) return std::move(found).error();
  return "pods \"" + NameOf(pod) + "\" is forbidden: no PriorityClass with name " + name +
         " was found";
}

Result<void> ClusterPass::Ensure(const Json& wanted, const Json& owner) {
  const std::string &kind = wanted["kind"].AsString(), name = NameOf(wanted);
  if (Json* found = Find(kind, name)) return Update(*found, wanted, owner);
  // Budgets lack the label, so they are not listed.
  if (kind == "PodDisruptionBudget" && !First("made-" + name)) return {};
  TRY(std::string refusal, MissingPriority(wanted));
  if (refusal.empty()) {
    auto made = CreateObject(wanted);
    if (made) {
      Event(owner, "Normal", "Created", "created " + kind + " " + name);
      return {};
    }
    if (!Refused(made.error())) return std::move(made).error();
    refusal = made.error().message;
  }
  RequeueIn(kRefusedMs);
  if (First("refused-" + kind + name + refusal))
    Event(owner, "Warning", "CreateFailed",
          "failed to create " + kind + " " + name + ": " + refusal);
  return {};
}

Result<void> ClusterPass::Update(Json& object, const Json& wanted, const Json& owner) {
  const std::string &kind = wanted["kind"].AsString(), before = VersionOf(object);
  if (wanted["apiVersion"].AsString() == kGroup) {
    TRY_VOID(PutSpecOf(object, wanted["spec"]));
  } else if (kind == "Deployment" && !Within(object["spec"], wanted["spec"])) {
    TRY_VOID(PatchObject(object, Json::Obj({{"spec", wanted["spec"]}})));
  } else if (kind == "PersistentVolumeClaim") {
    constexpr char kStorage[] = "/spec/resources/requests/storage";
    if (QuantityBytes(wanted.At(kStorage).AsString()) <=
        QuantityBytes(object.At(kStorage).AsString()))
      return {};
    Json patch = Json::MakeObject();
    patch.SetAt(kStorage, wanted.At(kStorage));
    TRY_VOID(PatchObject(object, patch));
    Event(owner, "Normal", "PVCResizeWaiting", "waiting for resize of PVC " + NameOf(object));
  }
  if (VersionOf(object) != before)
    Event(owner, "Normal", "Updated", "updated " + kind + " " + NameOf(object));
  return {};
}

Result<void> ClusterPass::Remove(const Json& object, const Json& owner) {
  if (BeingDeleted(object)) return {};
  TRY_VOID(DeleteObject(object));
  Event(owner, "Normal", "Deleted", "deleted " + object["kind"].AsString() + " " + NameOf(object));
  return {};
}

void ClusterPass::Event(const Json& about, const char* type, const char* reason,
                        const std::string& message) {
  Note(EventAbout(about, "vitess-operator", type, reason, message, now()));
}

void ClusterPass::EventOnce(const Json& about, const char* type, const char* reason,
                            const std::string& message) {
  if (First(std::string("event-") + reason + UidOf(about))) Event(about, type, reason, message);
}

Result<std::string> ClusterPass::UsersJson() {
  if (users_json_) return *users_json_;
  std::string text;
  for (const Cell& cell : spec.cells) {
    const Json& reference = cell.spec.At("/gateway/authentication/static/secret");
    if (!reference.is_object()) continue;
    TRY(text, SecretText(*this, spec.ns, reference));
    if (!text.empty()) break;
  }
  users_json_ = text;
  return text;
}

bool ClusterPass::LockserverAnswers() {
  if (!spec.own_etcd) return true;
  int ready = 0;
  for (const Json& pod : All("Pod"))
    if (LabelOf(pod, kComponent) == "etcd" && PodReady(pod) && !BeingDeleted(pod)) ++ready;
  return ready > kEtcdMembers / 2;
}

bool ClusterPass::Available(const Json& pod) {
  const std::string seen = "ready-" + UidOf(pod), waited = "available-" + UidOf(pod);
  if (!PodReady(pod)) {
    Reset(seen);
    Reset(waited);
    return false;
  }
  if (BeingDeleted(pod)) return false;
  const int64_t since = ParseTime(ConditionOf(pod, "Ready")["lastTransitionTime"].AsString());
  if (now() - since > static_cast<int64_t>(kAvailableMs * env.pace) + kMarginMs) return true;
  if (First(seen)) {
    RequeueIn(0);
    return false;
  }
  return Due(waited, kAvailableMs);
}

Result<std::string> SecretText(const Pass& pass, const std::string& ns, const Json& reference) {
  auto secret = pass.kube().Get({"v1", "Secret", ns, reference["name"].AsString()});
  if (!secret && secret.error().code == Code::kNotFound) return std::string();
  if (!secret) return std::move(secret).error();
  auto text = Base64Decode((*secret)["data"][reference["key"].AsString()].AsString());
  return text ? *text : std::string();
}

const Tablet* PrimaryOf(const ShardView& view) {
  for (const Tablet& tablet : view.shard.tablets)
    if (tablet.alias == view.topology.primary) return &tablet;
  return nullptr;
}

std::string VolumeOf(ClusterPass& pass, const Tablet& tablet) {
  const Json* claim = pass.Find("PersistentVolumeClaim", tablet.name);
  return claim == nullptr ? "" : UidOf(*claim);
}

std::vector<ShardView> ShardsOf(ClusterPass& pass) {
  std::vector<ShardView> out;
  for (const Keyspace& keyspace : pass.spec.keyspaces)
    for (const Shard& shard : keyspace.shards)
      if (Json* object = pass.Find("VitessShard", shard.name))
        out.push_back({keyspace, shard, *object, Topology::Of(*object)});
  return out;
}

Result<void> WriteTopology(ClusterPass& pass, ShardView& view, const Topology& topology) {
  if (topology == view.topology) return {};
  TRY_VOID(pass.PatchObject(view.object, topology.Patch()));
  view.topology = topology;
  return {};
}

}  // namespace slipway::sim::operators::vitess
