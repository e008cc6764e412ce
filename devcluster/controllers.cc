#include "devcluster/controllers.h"

#include <algorithm>

#include "devcluster/namespace_conditions.h"
#include "devcluster/quota.h"

namespace slipway::sim {

namespace {

constexpr char kForeground[] = "foregroundDeletion";
constexpr char kOrphan[] = "orphan";

// The note that the real publisher puts on the certificate.
Json CertificateNote() {
  return Json::Obj({{"kubernetes.io/description",
                     "Contains a CA bundle that can be used to verify the kube-apiserver when "
                     "using internal endpoints such as the internal service IP or "
                     "kubernetes.default.svc. No other usage is guaranteed across distributions of "
                     "Kubernetes clusters."}});
}

// Writes "pods" as "pods." and "db.example.org/clusters" as "clusters.db.example.org".
std::string ResourceAndGroup(const std::string& collection) {
  const size_t slash = collection.find('/');
  return slash == std::string::npos
             ? collection + "."
             : collection.substr(slash + 1) + "." + collection.substr(0, slash);
}

bool Has(const std::vector<std::string>& values, const char* value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

Controllers::Controllers(Api& api, TimerQueue& timers, Logger& log)
    : api_(api), timers_(timers), log_(log) {}

Controllers::~Controllers() {
  Stop();
}

void Controllers::Observe() {
  api_.store().Observe([this](const std::string& collection, const StoreEvent& event) {
    OnChange(collection, event);
  });
}

void Controllers::Start() {
  for (const KindPtr& kind : api_.kinds().All())
    for (const ObjectPtr& object : api_.store().List(kind->collection(), "", "", 0).items)
      Add({What::kLook, {kind->collection(), object->ns, object->name}, ""});
  thread_ = std::thread([this] { Run(); });
}

void Controllers::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Controllers::Settle(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, timeout, [&] { return notes_.empty() && !busy_; });
}

// Runs under the store's lock, so it only takes a note of what may need work.
void Controllers::OnChange(const std::string& collection, const StoreEvent& event) {
  const StoredObject& object = *event.object;
  const ObjectKey key{collection, object.ns, object.name};
  // Objects that quotas count are counted again when they go and, for pods, when they end. A new
  // object was counted on its way in.
  if (!object.ns.empty() && (event.type == EventType::kDeleted || collection == "resourcequotas" ||
                             (event.type == EventType::kModified && collection == "pods")))
    Add({What::kRecount, {"resourcequotas", object.ns, ""}, ""});
  if (event.type == EventType::kDeleted) {
    for (const OwnerReference& owner : object.owners) Add({What::kLookAtUid, {}, owner.uid});
    return Add({What::kGone, key, object.uid});
  }
  const bool owned = !object.owners.empty() && event.type == EventType::kAdded;
  if (owned || object.deleting || collection == "namespaces") Add({What::kLook, key, ""});
}

void Controllers::Add(Note note) {
  {
    const std::lock_guard lock(mutex_);
    notes_.insert(std::move(note));
  }
  wake_.notify_one();
}

void Controllers::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (notes_.empty()) {
      busy_ = false;
      idle_.notify_all();
      wake_.wait(lock, [&] { return stopping_ || !notes_.empty(); });
      continue;
    }
    busy_ = true;
    const std::set<Note> batch = std::exchange(notes_, {});
    lock.unlock();
    for (const Note& note : batch) Process(note);
    lock.lock();
  }
  busy_ = false;
  idle_.notify_all();
}

void Controllers::Process(const Note& note) {
  switch (note.what) {
    case What::kLook:
      return Look(note.key);
    case What::kLookAtUid:
      if (const auto key = api_.store().FindUid(note.uid)) Look(*key);
      return;
    case What::kRecount:
      return RecountQuotas(api_, note.key.ns);
    case What::kGone:
      break;
  }
  OwnerGone(note.uid);
  if (note.key.collection == "pods")
    for (const ObjectPtr& claim :
         api_.store().List("persistentvolumeclaims", note.key.ns, "", 0).items)
      if (claim->deleting) Look({"persistentvolumeclaims", claim->ns, claim->name});
  const ObjectPtr ns =
      note.key.ns.empty() ? nullptr : api_.store().Get("namespaces", "", note.key.ns);
  if (ns != nullptr && ns->deleting) FinishNamespace(ns->name);
}

void Controllers::OwnerGone(const std::string& uid) {
  for (const ObjectKey& key : api_.store().Dependents(uid))
    if (const ObjectPtr dependent = api_.store().Get(key.collection, key.ns, key.name);
        dependent != nullptr)
      LookAtOwners(key, *dependent);
}

void Controllers::Look(const ObjectKey& key) {
  const ObjectPtr object = api_.store().Get(key.collection, key.ns, key.name);
  if (object == nullptr) return;
  if (key.collection == "namespaces") LookAtNamespace(*object);
  if (!object->owners.empty()) LookAtOwners(key, *object);
  if (!object->deleting) return;
  if (Has(object->finalizers, kForeground)) return FinishForeground(key, *object);
  if (Has(object->finalizers, kOrphan)) return FinishOrphan(key, *object);
  if (Has(object->finalizers, kClaimFinalizer) && !InUse(*object))
    return DropFinalizer(key, kClaimFinalizer);
  if (key.collection == "pods" && object->finalizers.empty()) EndGrace(key, *object);
}

bool Controllers::InUse(const StoredObject& claim) const {
  for (const ObjectPtr& pod : api_.store().List("pods", claim.ns, "", 0).items) {
    if (pod->text.find(claim.name) == std::string::npos) continue;
    const Json object = pod->Parse();
    for (const Json& volume : object["spec"]["volumes"].items())
      if (volume["persistentVolumeClaim"]["claimName"].AsString() == claim.name) return true;
  }
  return false;
}

void Controllers::LookAtNamespace(const StoredObject& found) {
  if (found.deleting) {
    FinishNamespace(found.name);
  } else if (api_.store().Get("serviceaccounts", found.name, "default") == nullptr) {
    Provision(found.name);
  }
}

// Deletes an object when all of its owners are gone; otherwise it drops the references to those
// owners that are gone.
void Controllers::LookAtOwners(const ObjectKey& key, const StoredObject& object) {
  size_t present = 0;
  for (const OwnerReference& owner : object.owners)
    present += api_.store().HasUid(owner.uid) ? 1 : 0;
  if (present == object.owners.size()) return;
  if (present == 0) return Delete(key, object.uid, "Background");
  Change(key, [&](const Json& before) -> Answer<Json> {
    Json after = before;
    std::erase_if(after["metadata"]["ownerReferences"].items(),
                  [&](const Json& owner) { return !api_.store().HasUid(owner["uid"].AsString()); });
    return after;
  });
}

void Controllers::FinishForeground(const ObjectKey& key, const StoredObject& object) {
  for (const ObjectKey& one : api_.store().Dependents(object.uid)) {
    const ObjectPtr dependent = api_.store().Get(one.collection, one.ns, one.name);
    if (dependent == nullptr || dependent->deleting) continue;
    Delete(one, dependent->uid,
           api_.store().Dependents(dependent->uid).empty() ? "Background" : "Foreground");
  }
  for (const ObjectKey& one : api_.store().Dependents(object.uid)) {
    const ObjectPtr dependent = api_.store().Get(one.collection, one.ns, one.name);
    if (dependent == nullptr) continue;
    for (const OwnerReference& owner : dependent->owners) {
      if (owner.uid != object.uid || !owner.blocks) continue;
      // We come here again when that dependent ends, since every deleted object looks at its
      // owners.
      return;
    }
  }
  DropFinalizer(key, kForeground);
}

void Controllers::FinishOrphan(const ObjectKey& key, const StoredObject& object) {
  for (const ObjectKey& one : api_.store().Dependents(object.uid)) {
    Change(one, [&](const Json& before) -> Answer<Json> {
      Json after = before;
      Json& owners = after["metadata"]["ownerReferences"];
      std::erase_if(owners.items(),
                    [&](const Json& owner) { return owner["uid"].AsString() == object.uid; });
      if (owners.empty()) after["metadata"].Erase("ownerReferences");
      return after;
    });
  }
  DropFinalizer(key, kOrphan);
}

void Controllers::FinishNamespace(const std::string& name) {
  for (const ObjectKey& key : api_.store().InNamespace(name)) {
    const ObjectPtr object = api_.store().Get(key.collection, key.ns, key.name);
    if (object != nullptr && !object->deleting) Delete(key, object->uid, "");
  }
  const std::vector<ObjectKey> left = api_.store().InNamespace(name);
  const ObjectKey key{"namespaces", "", name};
  if (left.empty()) {
    Change(
        key,
        [](const Json& before) -> Answer<Json> {
          Json after = before;
          after["spec"].Erase("finalizers");
          return after;
        },
        "finalize");
    return;
  }
  Remaining remaining;
  for (const ObjectKey& one : left) {
    const ObjectPtr object = api_.store().Get(one.collection, one.ns, one.name);
    if (object == nullptr) continue;
    ++remaining.resources[ResourceAndGroup(one.collection)];
    for (const std::string& finalizer : object->finalizers) ++remaining.finalizers[finalizer];
  }
  Change(
      key,
      [&](const Json& before) -> Answer<Json> {
        Json after = before;
        after["status"].Set("conditions", NamespaceConditions(before, remaining,
                                                              FormatSeconds(api_.clock().NowMs())));
        return after;
      },
      "status");
}

void Controllers::EndGrace(const ObjectKey& key, const StoredObject& object) {
  const int64_t seconds = object.Parse().At("/metadata/deletionGracePeriodSeconds").AsInt();
  if (seconds == 0) return;
  timers_.After(seconds * 1000, [this, key, uid = object.uid] {
    const ObjectPtr pod = api_.store().Get(key.collection, key.ns, key.name);
    ObjectPtr removed;
    if (pod != nullptr && pod->uid == uid && pod->finalizers.empty())
      api_.store().Remove(key, pod->version, removed);
  });
}

void Controllers::Provision(const std::string& ns) {
  const WriteOptions options{.manager = "kube-controller-manager"};
  const auto create = [&](const char* collection, Json object) {
    const KindPtr kind = api_.kinds().ByCollection(collection);
    auto created = api_.Create(*kind, ns, std::move(object), options);
    if (!created && created.error().code != 409 && created.error().code != 403)
      log_.Warn("sim.provision_failed", {{"namespace", ns}, {"message", created.error().message}});
  };
  create("serviceaccounts", Json::Obj({{"apiVersion", "v1"},
                                       {"kind", "ServiceAccount"},
                                       {"metadata", Json::Obj({{"name", "default"}})}}));
  create("configmaps", Json::Obj({{"apiVersion", "v1"},
                                  {"kind", "ConfigMap"},
                                  {"metadata", Json::Obj({{"name", "kube-root-ca.crt"},
                                                          {"annotations", CertificateNote()}})},
                                  {"data", Json::Obj({{"ca.crt", ""}})}}));
}

void Controllers::Delete(const ObjectKey& key, const std::string& uid, const char* propagation) {
  const KindPtr kind = api_.kinds().ByCollection(key.collection);
  if (kind == nullptr) {
    ObjectPtr removed;  // its definition is gone
    api_.store().Remove(key, 0, removed);
    return;
  }
  auto deleted =
      api_.Delete(*kind, key.ns, key.name,
                  {.uid = uid, .version = "", .propagation = propagation, .dry_run = false});
  if (!deleted && deleted.error().code != 404 && deleted.error().code != 409)
    log_.Warn("sim.delete_failed", {{"object", key.collection + " " + key.ns + "/" + key.name},
                                    {"message", deleted.error().message}});
}

void Controllers::DropFinalizer(const ObjectKey& key, const std::string& finalizer) {
  Change(key, [&](const Json& before) -> Answer<Json> {
    Json after = before;
    std::erase(after["metadata"]["finalizers"].items(), Json(finalizer));
    if (after["metadata"]["finalizers"].empty()) after["metadata"].Erase("finalizers");
    return after;
  });
}

void Controllers::Change(const ObjectKey& key, const Api::Change& change, const char* subresource) {
  const KindPtr kind = api_.kinds().ByCollection(key.collection);
  if (kind == nullptr) return;
  WriteOptions options{.manager = "kube-controller-manager"};
  options.subresource = subresource;
  auto written = api_.Modify(*kind, key.ns, key.name, change, options);
  if (!written && written.error().code != 404)
    log_.Warn("sim.write_failed", {{"object", key.collection + " " + key.ns + "/" + key.name},
                                   {"message", written.error().message}});
}

}  // namespace slipway::sim
