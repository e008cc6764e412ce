// PostgreSQL on CloudNativePG: the four functions of the engine contract.
#include <slipway/engine.hpp>

#include "objects.h"
#include "parameters.h"
#include "settings.h"
#include "spec.h"
#include "stages.h"

namespace cnpg {

namespace {

Json Description() {
  return Json::Obj(
      {{"schema", 1},
       {"engine", SLIPWAY_ENGINE_NAME},
       {"version", SLIPWAY_ENGINE_VERSION},
       {"title", "PostgreSQL on CloudNativePG"},
       {"database_type", "POSTGRESQL"},
       {"verbs", Json::Arr({"create", "delete", "observe"})},
       {"capabilities", Json::Obj({{"backup", true}, {"metrics", true}, {"replicas", true}})},
       {"name_limit", kNameLimit},
       {"parameters_schema", ParametersSchema()},
       {"watches",
        Json::Arr(
            {Watch(kClusterApi, "Cluster",
                   {"/spec/instances", "/status/phase", "/status/phaseReason", "/status/instances",
                    "/status/readyInstances", "/status/instancesStatus", "/status/currentPrimary",
                    "/status/targetPrimary", "/status/conditions", "/status/pluginStatus"}),
             Watch("v1", "Pod",
                   {"/spec/nodeName", "/status/phase", "/status/reason", "/status/message",
                    "/status/conditions", "/status/containerStatuses",
                    "/status/initContainerStatuses"}),
             Watch("v1", "PersistentVolumeClaim",
                   {"/spec/storageClassName", "/status/phase", "/status/conditions"}),
             Watch("v1", "Service", {"/spec/type", "/spec/ports", "/status/loadBalancer"}),
             Watch("batch/v1", "Job", {"/status"})})},
       {"crds_required", Json::Arr({"postgresql.cnpg.io/v1/Cluster"})},
       {"crds_optional",
        Json::Arr({"postgresql.cnpg.io/v1/ScheduledBackup", "barmancloud.cnpg.io/v1/ObjectStore",
                   "monitoring.coreos.com/v1/PodMonitor"})},
       {"applies",
        Json::Arr({"postgresql.cnpg.io/v1/Cluster", "postgresql.cnpg.io/v1/ScheduledBackup",
                   "barmancloud.cnpg.io/v1/ObjectStore", "monitoring.coreos.com/v1/PodMonitor",
                   "networking.k8s.io/v1/NetworkPolicy"})},
       {"claims_selector", "cnpg.io/cluster=${name}"},
       {"login_proof",
        Json::Obj(
            {{"protocol", "postgresql"}, {"endpoint", "primary"}, {"statement", "SELECT 1"}})},
       {"insight_queries", Json::Arr()},
       {"plan_compat", Json::Arr()}});
}

Json Plan(const Json& input) {
  const Instance instance(input);
  return CreatePlan(Json::Arr({Stage("NAMESPACE_CREATION", "Network policy"),
                               Stage("CRD_DEPLOYMENT", "CloudNativePG Cluster"),
                               Stage("WAITING_FOR_READY", "PostgreSQL instances"),
                               Stage("CREDENTIAL_GEN", "Credentials of the application user"),
                               BackupStage(instance, "Continuous archiving and backup schedule"),
                               MetricsStage(instance, "PodMonitor")}),
                    Quota(instance));
}

struct Traits {
  using Settings = cnpg::Settings;
  static constexpr const char* kDeletes = "Cluster and data";

  static Json Description() { return cnpg::Description(); }

  static void Validated(slipway::Call& call, std::string_view request) {
    Validate(call, request, kNameLimit, "objects derived from it add up to 22", NormalisedSpec);
  }

  static Json Plan(const Json& input) { return cnpg::Plan(input); }

  static Json Step(const Settings& settings, const Json& input, int64_t now_ms) {
    return cnpg::Step(settings, input, now_ms);
  }
};

}  // namespace

using CnpgEngine = PlainEngine<Traits>;

}  // namespace cnpg

SLIPWAY_ENGINE(cnpg::CnpgEngine, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
