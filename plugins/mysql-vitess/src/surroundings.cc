#include "surroundings.h"

#include <utility>

namespace vitess {

namespace {

Json Pods(const Database& database, const char* component = nullptr) {
  Json labels = Json::Obj({{"planetscale.com/cluster", database.name}});
  if (component != nullptr) labels.Set("planetscale.com/component", component);
  return MatchLabels(std::move(labels));
}

Json BudgetOf(const Database& database, const char* component) {
  return Budget(database.name + "-" + component, Pods(database, component));
}

}  // namespace

std::string BackupAccountName(const Instance& instance) {
  return instance.name + "-backup-storage";
}

// Nothing inside a cluster authenticates its peers: etcd, gRPC, and mysqld with vt_repl.
Json NetworkPolicies(const Database& database, const Settings& settings) {
  const Json the_operator =
      settings.operator_namespace.empty()
          ? AnyNamespace().Set("podSelector", MatchLabels(Json::Obj({{"app", "vitess-operator"}})))
          : NamespaceNamed(settings.operator_namespace);
  Json inside = Json::Arr({IngressRule(Json::Arr({PodsOf(Pods(database)), the_operator}))});
  if (database.pod_monitor) {
    inside.Push(IngressRule(Json::Arr({NamespaceNamed(settings.monitoring_namespace)}),
                            {15000, 9104, 2379}));
  }
  return Json::Arr({IngressPolicy(database.name + "-internal", Pods(database), std::move(inside)),
                    IngressPolicy(database.name + "-clients", Pods(database, "vtgate"),
                                  Json::Arr({IngressRule(Json::Arr({AnyNamespace()}), {kPort})}))});
}

Json DisruptionBudgets(const Database& database) {
  // With one pod the budget would block every drain of its node.
  if (database.instances < 2) return Json::Arr();
  return Json::Arr({BudgetOf(database, "vttablet"), BudgetOf(database, "vtgate")});
}

Json BackupRights(const Database& database) {
  const Json all = Json::Arr({"get", "list", "watch", "create", "update", "patch", "delete"});
  return Access(
      database, BackupAccountName(database),
      Json::Arr(
          {PolicyRule("planetscale.com",
                      Json::Arr({"vitessbackupstorages", "vitessbackupstorages/status",
                                 "vitessbackupstorages/finalizers", "vitessbackups",
                                 "vitessbackups/status", "vitessbackups/finalizers"}),
                      all),
           PolicyRule("planetscale.com",
                      Json::Arr({"vitessshards", "vitessshards/status", "vitessshards/finalizers"}),
                      Json::Arr({"get", "list", "watch", "update", "patch"})),
           PolicyRule("", Json::Arr({"events"}), Json::Arr({"create", "patch"}))}));
}

Json Defaults(const Database& database) {
  return Object(
      "v1", "LimitRange", database.name + "-defaults",
      Json::Obj({{"limits",
                  Json::Arr({Json::Obj(
                      {{"type", "Container"},
                       {"defaultRequest", Json::Obj({{"cpu", "50m"}, {"memory", "64Mi"}})}})})}}));
}

Json PodMonitor(const Database& database) {
  Json targets = Json::Arr();
  for (const char* label : {"cluster", "component", "cell", "keyspace", "shard", "tablet-uid"})
    targets.Push(std::string("planetscale.com/") + label);
  // A pod is scraped at those of the ports that it has.
  return Object(kPodMonitorApi, "PodMonitor", database.name + "-metrics",
                Json::Obj({{"selector", Pods(database)},
                           {"podTargetLabels", std::move(targets)},
                           {"podMetricsEndpoints",
                            Json::Arr({MetricsEndpoint("web"), MetricsEndpoint("metrics"),
                                       MetricsEndpoint("client")})}}));
}

}  // namespace vitess
