#include "devcluster/kinds.h"

#include <algorithm>
#include <cctype>

#include "devcluster/builtin_types.h"

namespace slipway::sim {

namespace {

enum Feature : unsigned {
  kPlain = 0,
  kCluster = 1,     // cluster-scoped
  kStatus = 2,      // status subresource
  kGeneration = 4,  // counts generations
  kScale = 8,       // scale subresource on spec.replicas
  kDeed = 16,       // created, but not kept
};

struct Row {
  const char* group;
  const char* version;
  const char* kind;
  const char* plural;
  const char* short_name;  // "" for none; several have commas between them
  unsigned features;
};

constexpr Row kRows[] = {
    {"", "v1", "Namespace", "namespaces", "ns", kCluster | kStatus},
    {"", "v1", "Node", "nodes", "no", kCluster | kStatus},
    {"", "v1", "PersistentVolume", "persistentvolumes", "pv", kCluster | kStatus},
    {"", "v1", "Pod", "pods", "po", kStatus | kGeneration},
    {"", "v1", "Binding", "bindings", "", kDeed},
    {"", "v1", "Service", "services", "svc", kStatus},
    {"", "v1", "Secret", "secrets", "", kPlain},
    {"", "v1", "ConfigMap", "configmaps", "cm", kPlain},
    {"", "v1", "ServiceAccount", "serviceaccounts", "sa", kPlain},
    {"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", kStatus},
    {"", "v1", "Event", "events", "ev", kPlain},
    {"", "v1", "Endpoints", "endpoints", "ep", kPlain},
    {"", "v1", "ResourceQuota", "resourcequotas", "quota", kStatus},
    {"", "v1", "LimitRange", "limitranges", "limits", kPlain},
    {"", "v1", "ReplicationController", "replicationcontrollers", "rc",
     kStatus | kGeneration | kScale},
    {"batch", "v1", "Job", "jobs", "", kStatus | kGeneration},
    {"batch", "v1", "CronJob", "cronjobs", "cj", kStatus | kGeneration},
    {"apps", "v1", "Deployment", "deployments", "deploy", kStatus | kGeneration | kScale},
    {"apps", "v1", "StatefulSet", "statefulsets", "sts", kStatus | kGeneration | kScale},
    {"apps", "v1", "ReplicaSet", "replicasets", "rs", kStatus | kGeneration | kScale},
    {"apps", "v1", "DaemonSet", "daemonsets", "ds", kStatus | kGeneration},
    {"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", kStatus | kGeneration},
    {"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol", kGeneration},
    {"networking.k8s.io", "v1", "Ingress", "ingresses", "ing", kStatus | kGeneration},
    {"rbac.authorization.k8s.io", "v1", "Role", "roles", "", kPlain},
    {"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "", kPlain},
    {"rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", "", kCluster},
    {"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", "", kCluster},
    {"coordination.k8s.io", "v1", "Lease", "leases", "", kPlain},
    {"storage.k8s.io", "v1", "StorageClass", "storageclasses", "sc", kCluster},
    {"scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "pc", kCluster | kGeneration},
    {"discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "", kGeneration},
    {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
     "crd,crds", kCluster | kStatus | kGeneration},
};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Kind FromRow(const Row& row) {
  Kind kind;
  kind.group = row.group;
  kind.version = row.version;
  kind.kind = row.kind;
  kind.plural = row.plural;
  kind.singular = Lower(row.kind);
  std::string names = row.short_name;
  for (size_t at = 0; at < names.size();) {
    const size_t end = std::min(names.find(',', at), names.size());
    kind.short_names.push_back(names.substr(at, end - at));
    at = end + 1;
  }
  kind.schema = BuiltinSchema(kind.api_version(), kind.kind);
  kind.namespaced = (row.features & kCluster) == 0;
  kind.has_status = (row.features & kStatus) != 0;
  kind.has_generation = (row.features & kGeneration) != 0;
  kind.deed = (row.features & kDeed) != 0;
  if ((row.features & kScale) != 0) {
    kind.scale_spec = ".spec.replicas";
    kind.scale_status = ".status.replicas";
  }
  static constexpr std::string_view kAll[] = {
      "pods",         "services",    "replicationcontrollers",
      "jobs",         "cronjobs",    "deployments",
      "statefulsets", "replicasets", "daemonsets"};
  if (std::find(std::begin(kAll), std::end(kAll), kind.plural) != std::end(kAll))
    kind.categories = {"all"};
  return kind;
}

}  // namespace

std::vector<Kind> BuiltinKinds() {
  std::vector<Kind> out;
  for (const Row& row : kRows) out.push_back(FromRow(row));
  return out;
}

KindRegistry::KindRegistry() {
  for (Kind& kind : BuiltinKinds()) Add(std::move(kind));
}

std::string KindRegistry::Key(std::string_view group, std::string_view version,
                              std::string_view plural) {
  std::string key(group);
  key.append("/").append(version).append("/").append(plural);
  return key;
}

void KindRegistry::Add(Kind kind) {
  auto shared = std::make_shared<const Kind>(std::move(kind));
  const std::unique_lock lock(mutex_);
  by_kind_[shared->api_version() + "/" + shared->kind] = shared;
  by_collection_[shared->collection()] = shared;
  by_resource_[Key(shared->group, shared->version, shared->plural)] = std::move(shared);
}

void KindRegistry::Remove(const std::string& group, const std::string& plural) {
  const std::unique_lock lock(mutex_);
  const auto gone = [&](const auto& entry) {
    return entry.second->group == group && entry.second->plural == plural;
  };
  std::erase_if(by_kind_, gone);
  std::erase_if(by_collection_, gone);
  std::erase_if(by_resource_, gone);
}

KindPtr KindRegistry::ByResource(std::string_view group, std::string_view version,
                                 std::string_view plural) const {
  const std::string key = Key(group, version, plural);
  const std::shared_lock lock(mutex_);
  const auto it = by_resource_.find(key);
  return it == by_resource_.end() ? nullptr : it->second;
}

KindPtr KindRegistry::ByCollection(const std::string& collection) const {
  const std::shared_lock lock(mutex_);
  const auto it = by_collection_.find(collection);
  return it == by_collection_.end() ? nullptr : it->second;
}

KindPtr KindRegistry::ByKind(std::string_view api_version, std::string_view kind) const {
  std::string key(api_version);
  key.append("/").append(kind);
  const std::shared_lock lock(mutex_);
  const auto it = by_kind_.find(key);
  return it == by_kind_.end() ? nullptr : it->second;
}

bool KindRegistry::HasGroup(std::string_view group, std::string_view version) const {
  std::string prefix(group);
  prefix.append("/").append(version).append(version.empty() ? "" : "/");
  const std::shared_lock lock(mutex_);
  const auto it = by_resource_.lower_bound(prefix);
  return it != by_resource_.end() && it->first.compare(0, prefix.size(), prefix) == 0;
}

std::vector<KindPtr> KindRegistry::All() const {
  std::vector<KindPtr> out;
  const std::shared_lock lock(mutex_);
  for (const auto& [key, kind] : by_resource_) out.push_back(kind);
  return out;
}

}  // namespace slipway::sim
