#include "objects.h"
#include "sizes.h"

namespace vitess {

namespace {

Json Object(const char* api, const char* kind, const std::string& name) {
  return Json::Obj(
      {{"apiVersion", api}, {"kind", kind}, {"metadata", Json::Obj({{"name", name}})}});
}

Json Pods(const Database& database, const char* component = nullptr) {
  Json labels = Json::Obj({{"planetscale.com/cluster", database.name}});
  if (component != nullptr) labels.Set("planetscale.com/component", component);
  return Json::Obj({{"matchLabels", std::move(labels)}});
}

Json Ports(std::initializer_list<int> ports) {
  Json out = Json::Arr();
  for (const int port : ports) out.Push(Json::Obj({{"port", port}, {"protocol", "TCP"}}));
  return out;
}

Json NamespaceNamed(const std::string& name) {
  return Json::Obj(
      {{"namespaceSelector",
        Json::Obj({{"matchLabels", Json::Obj({{"kubernetes.io/metadata.name", name}})}})}});
}

Json Policy(const Database& database, const char* suffix, Json selector, Json ingress) {
  return Object("networking.k8s.io/v1", "NetworkPolicy", database.name + suffix)
      .Set("spec", Json::Obj({{"podSelector", std::move(selector)},
                              {"policyTypes", Json::Arr({"Ingress"})},
                              {"ingress", std::move(ingress)}}));
}

Json Budget(const Database& database, const char* component) {
  return Object("policy/v1", "PodDisruptionBudget", database.name + "-" + component)
      .Set("spec", Json::Obj({{"maxUnavailable", 1}, {"selector", Pods(database, component)}}));
}

Json Rule(const char* group, Json resources, Json verbs) {
  return Json::Obj({{"apiGroups", Json::Arr({group})},
                    {"resources", std::move(resources)},
                    {"verbs", std::move(verbs)}});
}

}  // namespace

// Nothing inside a cluster authenticates its peers: etcd, gRPC, and mysqld with vt_repl.
Json NetworkPolicies(const Database& database, const Settings& settings) {
  const Json the_operator =
      settings.operator_namespace.empty()
          ? Json::Obj({{"namespaceSelector", Json::Obj()},
                       {"podSelector",
                        Json::Obj({{"matchLabels", Json::Obj({{"app", "vitess-operator"}})}})}})
          : NamespaceNamed(settings.operator_namespace);
  Json inside = Json::Arr({Json::Obj(
      {{"from", Json::Arr({Json::Obj({{"podSelector", Pods(database)}}), the_operator})}})});
  if (database.pod_monitor) {
    inside.Push(Json::Obj({{"from", Json::Arr({NamespaceNamed(settings.monitoring_namespace)})},
                           {"ports", Ports({15000, 9104, 2379})}}));
  }
  return Json::Arr(
      {Policy(database, "-internal", Pods(database), std::move(inside)),
       Policy(database, "-clients", Pods(database, "vtgate"),
              Json::Arr({Json::Obj(
                  {{"from", Json::Arr({Json::Obj({{"namespaceSelector", Json::Obj()}})})},
                   {"ports", Ports({3306})}})}))});
}

Json DisruptionBudgets(const Database& database) {
  // With one pod the budget would block every drain of its node.
  if (database.instances < 2) return Json::Arr();
  return Json::Arr({Budget(database, "vttablet"), Budget(database, "vtgate")});
}

Json BackupRights(const Database& database) {
  const std::string name = BackupAccountName(database);
  const Json all = Json::Arr({"get", "list", "watch", "create", "update", "patch", "delete"});
  return Json::Arr(
      {Object("v1", "ServiceAccount", name),
       Object("rbac.authorization.k8s.io/v1", "Role", name)
           .Set("rules",
                Json::Arr({Rule("planetscale.com",
                                Json::Arr({"vitessbackupstorages", "vitessbackupstorages/status",
                                           "vitessbackupstorages/finalizers", "vitessbackups",
                                           "vitessbackups/status", "vitessbackups/finalizers"}),
                                all),
                           Rule("planetscale.com",
                                Json::Arr({"vitessshards", "vitessshards/status",
                                           "vitessshards/finalizers"}),
                                Json::Arr({"get", "list", "watch", "update", "patch"})),
                           Rule("", Json::Arr({"events"}), Json::Arr({"create", "patch"}))})),
       Object("rbac.authorization.k8s.io/v1", "RoleBinding", name)
           .Set("roleRef",
                Json::Obj(
                    {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", name}}))
           .Set("subjects",
                Json::Arr({Json::Obj(
                    {{"kind", "ServiceAccount"}, {"name", name}, {"namespace", database.ns}})}))});
}

Json Defaults(const Database& database) {
  return Object("v1", "LimitRange", database.name + "-defaults")
      .Set("spec",
           Json::Obj(
               {{"limits",
                 Json::Arr({Json::Obj(
                     {{"type", "Container"},
                      {"defaultRequest", Json::Obj({{"cpu", "50m"}, {"memory", "64Mi"}})}})})}}));
}

Json PodMonitor(const Database& database) {
  Json targets = Json::Arr();
  for (const char* label : {"cluster", "component", "cell", "keyspace", "shard", "tablet-uid"})
    targets.Push(std::string("planetscale.com/") + label);
  Json endpoints = Json::Arr();
  // A pod is scraped at those of the ports that it has.
  for (const char* port : {"web", "metrics", "client"})
    endpoints.Push(Json::Obj({{"port", port}, {"path", "/metrics"}, {"interval", "30s"}}));
  return Object("monitoring.coreos.com/v1", "PodMonitor", database.name + "-metrics")
      .Set("spec", Json::Obj({{"selector", Pods(database)},
                              {"podTargetLabels", std::move(targets)},
                              {"podMetricsEndpoints", std::move(endpoints)}}));
}

Json Quota(const Database& database) {
  const Sizes& sizes = SizesOf(database);
  const auto cells = static_cast<int64_t>(database.cells.size());
  const int64_t backups = database.HasBackup() ? database.Shards() : 0;
  int64_t cpu = 0, memory_mi = 0, pods = 0;
  const auto add = [&](int64_t count, int64_t millis, int64_t mi) {
    pods += count;
    cpu += count * millis;
    memory_mi += count * mi;
  };
  const auto add_part = [&](int64_t count, const Amount& amount) {
    add(count, amount.cpu_millis, amount.memory_mi);
  };
  // Deployments make a new pod before they take an old one away.
  add_part(kEtcdMembers, sizes.etcd);
  add_part(cells + cells, sizes.vtctld);
  add_part(2 * cells * database.Shards(), sizes.vtorc);
  add_part(cells * (database.GatewaysPerCell() + 1), sizes.gateway);
  const int64_t mysqld_mi = database.sizing.memory_bytes >> 20;
  const int64_t beside_cpu = sizes.vttablet.cpu_millis + sizes.exporter.cpu_millis;
  const int64_t beside_mi = sizes.vttablet.memory_mi + sizes.exporter.memory_mi;
  add(database.Tablets(), database.sizing.cpu_millis + beside_cpu, mysqld_mi + beside_mi);
  // A full backup is a mysqld of its own; then the reader of the bucket and the incremental jobs.
  add(backups, database.sizing.cpu_millis, mysqld_mi);
  add(backups, 50, 64);
  if (backups > 0) add(1, 100, 128);
  const int64_t volumes = database.Tablets() + kBackupVolumes * backups;
  const int64_t etcd_bytes = kEtcdMembers * (sizes.etcd_storage_gi << 30);
  return Json::Obj(
      {{"requests.cpu", FromMillis(cpu)},
       {"requests.memory", FromBytes(memory_mi << 20)},
       {"requests.storage", FromBytes(volumes * database.sizing.storage_bytes + etcd_bytes)},
       {"pods", std::to_string(pods)},
       {"persistentvolumeclaims", std::to_string(volumes + kEtcdMembers)}});
}

}  // namespace vitess
