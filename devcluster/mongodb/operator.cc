#include "devcluster/mongodb/operator.h"

#include <algorithm>

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::mongodb {

namespace {

std::string InstanceKey(const std::string& ns, const std::string& name) {
  return "instance/" + ns + "/" + name;
}

}  // namespace

Operator::Operator(kube::Cluster& kube, const BehaviourOptions& options, const Release& release,
                   const Clock& clock, Logger& log)
    : env_{{kube, clock, log, std::max(options.pace, 0.0)}, release, nullptr},
      controller_(env_, "mongodb",
                  {[this](const std::string&, const std::string& ns, const std::string& name) {
                     return Reconcile(ns, name);
                   },
                   [this](const Json& pod) { servers_->StopServersOf(env_.kube, pod); },
                   [this] { return servers_->Sweep(env_.kube); }}),
      servers_(std::make_unique<Servers>(options, clock, log,
                                         [this](const std::string& ns, const std::string& name) {
                                           controller_.Wake(InstanceKey(ns, name));
                                         })) {
  env_.servers = servers_.get();
  log.Info("sim.mongodb_started", {{"pace", env_.pace}});
}

Operator::~Operator() {
  controller_.Stop();
  servers_.reset();
}

void Operator::InstanceChanged(const std::string& ns, const std::string& name) {
  controller_.Wake(InstanceKey(ns, name));
}

void Operator::SecretChanged(const kube::ObjectRef& secret, bool deleted) {
  std::set<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    const std::string name = secret.ns + "/" + secret.name;
    if (const auto found = read_.find(name); found != read_.end()) keys = found->second;
    if (const auto found = made_.find(name); deleted && found != made_.end())
      keys.insert(found->second.begin(), found->second.end());
  }
  for (const std::string& key : keys) Refresh(key);
}

void Operator::MemberChanged(const Json& object, bool deleted) {
  const std::string &ns = NamespaceOf(object), name = NameOf(object);
  if (object["kind"].AsString() == "StatefulSet") {
    for (const Json& owner : object["metadata"]["ownerReferences"].items())
      if (owner["kind"].AsString() == kKind) InstanceChanged(ns, owner["name"].AsString());
    return;
  }
  // Every object that belongs to mdb has mdb-svc as its label `app`.
  const std::string& service = LabelOf(object, "app");
  constexpr std::string_view kSuffix = "-svc";
  if (service.size() <= kSuffix.size() ||
      service.compare(service.size() - kSuffix.size(), kSuffix.size(), kSuffix) != 0)
    return;
  const std::string instance = service.substr(0, service.size() - kSuffix.size());
  const bool pod = object["kind"].AsString() == "Pod";
  const bool member = !LabelOf(object, "statefulset.kubernetes.io/pod-name").empty() &&
                      name.rfind(instance + "-", 0) == 0;
  if (object["kind"].AsString() == "PersistentVolumeClaim" && deleted)
    servers_->VolumeGone(UidOf(object));
  if (pod && !member) return;
  if (pod && !deleted && BeingDeleted(object)) controller_.Wake("ending/" + ns + "/" + name);
  InstanceChanged(ns, instance);
}

void Operator::Refresh(const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    stale_.insert(key);
  }
  controller_.Wake(key);
}

// At most one worker at a time uses the memory of a key; the mutex guards the map.
InstanceMemory& Operator::MemoryOf(const std::string& key) {
  const std::lock_guard lock(mutex_);
  InstanceMemory& memory = memories_[key];
  if (stale_.erase(key) != 0) {
    memory.prepared_generation = memory.connected_generation = -1;
    memory.secrets = {};
    memory.passwords.clear();
  }
  if (memory.since.size() > 2000) memory.since.clear();
  return memory;
}

void Operator::Remember(const std::string& key, const InstanceSpec& spec) {
  const std::lock_guard lock(mutex_);
  int64_t& generation = remembered_[key];
  if (generation == spec.generation) return;
  generation = spec.generation;
  const auto add = [&](auto& index, const std::string& secret) {
    if (!secret.empty()) index[spec.ns + "/" + secret].insert(key);
  };
  for (const User& user : spec.users) {
    add(read_, user.password_secret);
    add(made_, user.connection_secret);
  }
  for (const char* pointer :
       {"/prometheus/passwordSecretRef/name", "/prometheus/tlsSecretKeyRef/name",
        "/security/tls/certificateKeySecretRef/name", "/security/tls/caCertificateSecretRef/name"})
    add(read_, spec.spec.At(pointer).AsString());
}

Result<int64_t> Operator::Reconcile(const std::string& ns, const std::string& name) {
  const std::string key = InstanceKey(ns, name);
  InstancePass pass(env_, MemoryOf(key));
  if (auto read = pass.Read(ns, name); !read) {
    if (read.error().code != Code::kNotFound) return std::move(read).error();
    servers_->InstanceGone(ns, name);
    const std::lock_guard lock(mutex_);
    memories_.erase(key);
    remembered_.erase(key);
    for (auto* index : {&read_, &made_})
      for (auto it = index->begin(); it != index->end();) {
        it->second.erase(key);
        it = it->second.empty() ? index->erase(it) : std::next(it);
      }
    return -1;
  }
  if (BeingDeleted(pass.instance) || pass.spec.fault == "operator-absent") return -1;
  Remember(key, pass.spec);
  if (controller_.PlaysMachinery()) TRY_VOID(PlayMembers(pass));
  TRY_VOID(ReconcileInstance(pass));
  return pass.NextMs();
}

}  // namespace slipway::sim::operators::mongodb
