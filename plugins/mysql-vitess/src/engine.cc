// MySQL on Vitess: the four functions of the engine contract.
#include <slipway/engine.hpp>

#include "objects.h"
#include "settings.h"
#include "spec.h"
#include "stages.h"

namespace vitess {

namespace {

Json Description() {
  return Json::Obj(
      {{"schema", 1},
       {"engine", SLIPWAY_ENGINE_NAME},
       {"version", SLIPWAY_ENGINE_VERSION},
       {"title", "MySQL on Vitess"},
       {"database_type", "MYSQL"},
       {"verbs", Json::Arr({"create", "delete", "observe"})},
       {"capabilities", Json::Obj({{"backup", true}, {"metrics", true}, {"replicas", true}})},
       {"name_limit", kNameLimit},
       {"parameters_schema", ParametersSchema()},
       // The operator gives our label to pods only; its other objects are asked for by name.
       {"watches",
        Json::Arr(
            {Watch(kApi, "VitessCluster",
                   {"/status/observedGeneration", "/status/globalLockserver", "/status/cells",
                    "/status/keyspaces", "/status/gatewayServiceName", "/status/orphanedCells",
                    "/status/orphanedKeyspaces"}),
             Watch(kApi, "VitessBackupSchedule", {"/status/nextScheduledTimes"}),
             Watch("v1", "Pod",
                   {"/status/phase", "/status/reason", "/status/message", "/status/conditions",
                    "/status/containerStatuses", "/status/initContainerStatuses"})})},
       {"crds_required",
        Json::Arr({"planetscale.com/v2/VitessCluster", "planetscale.com/v2/VitessKeyspace",
                   "planetscale.com/v2/VitessShard"})},
       {"crds_optional", Json::Arr({"planetscale.com/v2/VitessBackupSchedule",
                                    "monitoring.coreos.com/v1/PodMonitor"})},
       {"applies",
        Json::Arr({"planetscale.com/v2/VitessCluster", "planetscale.com/v2/VitessBackupSchedule",
                   "v1/Secret", "v1/ServiceAccount", "v1/LimitRange",
                   "rbac.authorization.k8s.io/v1/Role", "rbac.authorization.k8s.io/v1/RoleBinding",
                   "networking.k8s.io/v1/NetworkPolicy", "policy/v1/PodDisruptionBudget",
                   "monitoring.coreos.com/v1/PodMonitor"})},
       {"claims_selector", "planetscale.com/cluster=${name}"},
       {"login_proof",
        Json::Obj({{"protocol", "mysql"}, {"endpoint", "primary"}, {"statement", "SELECT 1"}})},
       {"insight_queries", Json::Arr()},
       {"plan_compat", Json::Arr()}});
}

Json Plan(const Json& input) {
  const Database database(input);
  return CreatePlan(Json::Arr({Stage("NAMESPACE_CREATION", "Network policies and rights"),
                               Stage("CRD_DEPLOYMENT", "Secrets and VitessCluster"),
                               Stage("WAITING_FOR_READY", "etcd, tablets and vtgate"),
                               Stage("CREDENTIAL_GEN", "Credentials of the application user"),
                               BackupStage(database, "First backup and backup schedules"),
                               MetricsStage(database, "PodMonitor")}),
                    Quota(database));
}

struct Traits {
  using Settings = vitess::Settings;
  static constexpr const char* kDeletes = "Cluster, data and Secrets";

  static Json Description() { return vitess::Description(); }

  static void Validated(slipway::Call& call, std::string_view request) {
    Validate(call, request, kNameLimit,
             "the Service of a cell's vtgate, which has 63, adds up to 27", NormalisedSpec);
  }

  static Json Plan(const Json& input) { return vitess::Plan(input); }

  static Json Step(const Settings& settings, const Json& input, int64_t now_ms) {
    return vitess::Step(settings, input, now_ms);
  }
};

}  // namespace

using VitessEngine = PlainEngine<Traits>;

}  // namespace vitess

SLIPWAY_ENGINE(vitess::VitessEngine, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
