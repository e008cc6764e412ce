// MongoDB on the MongoDB Community operator, old and new: the four functions of the engine
// contract.
#include <slipway/engine.hpp>

#include "companions.h"
#include "kit.h"
#include "parameters.h"
#include "replica_set.h"
#include "settings.h"
#include "sizes.h"
#include "spec.h"
#include "stages.h"

namespace mongodb {

namespace {

Json Watches() {
  return Json::Arr(
      {Watch(kReplicaSetApi, kReplicaSetKind, {"/spec/security/tls/enabled", "/status"}),
       Watch("apps/v1", "StatefulSet", {"/spec/replicas", "/status"}),
       Watch("v1", "Pod",
             {"/spec/nodeName", "/status/phase", "/status/reason", "/status/message",
              "/status/conditions", "/status/containerStatuses", "/status/initContainerStatuses"}),
       Watch("v1", "PersistentVolumeClaim",
             {"/spec/storageClassName", "/status/phase", "/status/conditions"}),
       // Their names are enough: a pod without them never starts, and nobody says so.
       Watch("v1", "ServiceAccount", {"/automountServiceAccountToken"}),
       Watch("rbac.authorization.k8s.io/v1", "Role", {"/rules"}),
       Watch("rbac.authorization.k8s.io/v1", "RoleBinding", {"/roleRef"})});
}

Json Description() {
  return Json::Obj(
      {{"schema", 1},
       {"engine", SLIPWAY_ENGINE_NAME},
       {"version", SLIPWAY_ENGINE_VERSION},
       {"title", "MongoDB on the MongoDB Community operator"},
       {"database_type", "MONGODB"},
       {"verbs", Json::Arr({"create", "delete", "observe"})},
       {"capabilities", Json::Obj({{"backup", false}, {"metrics", true}, {"replicas", true}})},
       {"name_limit", kNameLimit},
       {"parameters_schema", ParametersSchema()},
       {"watches", Watches()},
       {"crds_required", Json::Arr({"mongodbcommunity.mongodb.com/v1/MongoDBCommunity"})},
       {"crds_optional", Json::Arr({kOnlyOfControllers, "cert-manager.io/v1/Certificate",
                                    "monitoring.coreos.com/v1/PodMonitor"})},
       {"applies",
        Json::Arr({"mongodbcommunity.mongodb.com/v1/MongoDBCommunity", "v1/Secret",
                   "v1/ServiceAccount", "rbac.authorization.k8s.io/v1/Role",
                   "rbac.authorization.k8s.io/v1/RoleBinding", "policy/v1/PodDisruptionBudget",
                   "networking.k8s.io/v1/NetworkPolicy", "cert-manager.io/v1/Certificate",
                   "monitoring.coreos.com/v1/PodMonitor"})},
       {"claims_selector", "slipway.dev/instance=${id}"},
       {"login_proof", Json::Obj({{"protocol", "mongodb"},
                                  {"endpoint", "primary"},
                                  {"database", kDatabase},
                                  {"statement", "ping"}})},
       {"insight_queries", Json::Arr()},
       {"plan_compat", Json::Arr()}});
}

Json Plan(const Json& input) {
  const Instance instance(input);
  return CreatePlan(Json::Arr({Stage("NAMESPACE_CREATION", "Network policy and rights of the pods"),
                               Stage("CRD_DEPLOYMENT", "Passwords and MongoDBCommunity"),
                               Stage("WAITING_FOR_READY", "Members of the replica set"),
                               Stage("CREDENTIAL_GEN", "Credentials of the application user"),
                               Skipped("BACKUP_CONFIG", "Backups", kNoBackups, kNoBackupsText),
                               MetricsStage(instance, "PodMonitor")}),
                    Quota(instance));
}

struct Traits {
  using Settings = mongodb::Settings;
  static constexpr const char* kDeletes = "Replica set and data";

  static Json Description() { return mongodb::Description(); }

  static void Validated(slipway::Call& call, std::string_view request) {
    const std::string name = Json::Parse(request)["instance"]["name"].AsString();
    Validate(call, request, kNameLimit,
             "its StatefulSets' revisions and its CronJobs are named after it",
             [&](const Json& spec, const Complain& complain, const Warn& warn) {
               CheckName(name, complain);
               return NormalisedSpec(spec, complain, warn);
             });
  }

  static Json Plan(const Json& input) { return mongodb::Plan(input); }

  static Json Step(const Settings& settings, const Json& input, int64_t now_ms) {
    return mongodb::Step(settings, input, now_ms);
  }
};

}  // namespace

using MongodbEngine = PlainEngine<Traits>;

}  // namespace mongodb

SLIPWAY_ENGINE(mongodb::MongodbEngine, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
