// PostgreSQL on CloudNativePG: the four functions of the engine contract.
#include <slipway/engine.hpp>

#include "json.h"
#include "objects.h"
#include "parameters.h"
#include "settings.h"
#include "spec.h"
#include "stages.h"

namespace cnpg {

namespace {

Json Watch(const char* api, const char* kind, std::initializer_list<Json> keep) {
  return Json::Obj({{"apiVersion", api}, {"kind", kind}, {"keep", Json::Arr(keep)}});
}

Json Stage(const char* name, const char* title) {
  return Json::Obj({{"name", name}, {"title", title}});
}

Json Skipped(const char* name, const char* title, const char* reason, const std::string& message) {
  return Stage(name, title).Set("skip", Json::Obj({{"reason", reason}, {"message", message}}));
}

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
       {"login_proof",
        Json::Obj(
            {{"protocol", "postgresql"}, {"endpoint", "primary"}, {"statement", "SELECT 1"}})},
       {"insight_queries", Json::Arr()},
       {"plan_compat", Json::Arr()}});
}

Json CreatePlan(const Json& input) {
  const Instance instance(input);
  Json stages = Json::Arr({Stage("NAMESPACE_CREATION", "Network policy"),
                           Stage("CRD_DEPLOYMENT", "CloudNativePG Cluster"),
                           Stage("WAITING_FOR_READY", "PostgreSQL instances"),
                           Stage("CREDENTIAL_GEN", "Credentials of the application user")});
  stages.Push(instance.HasBackup()
                  ? Stage("BACKUP_CONFIG", "Continuous archiving and backup schedule")
                  : Skipped("BACKUP_CONFIG", "Continuous archiving and backup schedule",
                            "BackupNotRequested", "the request has no backup section"));
  stages.Push(instance.pod_monitor ? Stage("METRICS_SETUP", "PodMonitor")
                                   : Skipped("METRICS_SETUP", "PodMonitor", "TierExcludesMetrics",
                                             "the tier " + instance.tier + " has no PodMonitor"));
  return Json::Obj({{"schema", 1},
                    {"stages", std::move(stages)},
                    {"quota", Quota(instance)},
                    {"carry", Json::Obj()}});
}

}  // namespace

// Settings are read once; everything else is a function of its input.
class CnpgEngine final : public slipway::Engine {
 public:
  explicit CnpgEngine(std::string_view config) : settings_(Settings::Parse(config)) {}

  void describe(slipway::Call& call) const override { call.write(Description().Dump()); }

  void validate(slipway::Call& call, std::string_view request) const override {
    Give(call);
    const Json input = Json::Parse(request);
    if (const std::string& verb = input["verb"].AsString(); verb != "create" && verb != "delete") {
      throw slipway::Error(SLIPWAY_UNSUPPORTED, "UnsupportedVerb", "this engine cannot " + verb,
                           "/verb");
    }
    const std::string& name = input["instance"]["name"].AsString();
    if (name.size() > static_cast<size_t>(kNameLimit)) {
      call.fail(slipway::Error(SLIPWAY_INVALID, "NameTooLong",
                               "the name may have " + std::to_string(kNameLimit) +
                                   " characters: objects derived from it add up to 22",
                               "/name"));
    }
    // Services are named after it: DNS-1035.
    if (!name.empty() && (name[0] < 'a' || name[0] > 'z')) {
      call.fail(slipway::Error(SLIPWAY_INVALID, "InvalidName", "the name must start with a letter",
                               "/name"));
    }
    Json warnings = Json::Arr();
    Json spec = NormalisedSpec(
        input["spec"],
        [&](const std::string& pointer, const std::string& reason, const std::string& message) {
          call.fail(slipway::Error(SLIPWAY_INVALID, reason, message, pointer));
        },
        [&](const std::string& field, const std::string& message) {
          warnings.Push(Json::Obj({{"field", field}, {"message", message}}));
        });
    if (call.failed() != SLIPWAY_OK) return;
    call.write(
        Json::Obj({{"schema", 1}, {"spec", std::move(spec)}, {"warnings", std::move(warnings)}})
            .Dump());
  }

  void plan(slipway::Call& call, std::string_view text) const override {
    Give(call);
    const Json input = Json::Parse(text);
    const std::string& verb = input["verb"].AsString();
    if (verb == "create") {
      call.write(CreatePlan(input).Dump());
    } else if (verb == "delete") {
      call.write(Json::Obj({{"schema", 1},
                            {"stages", Json::Arr({Stage("RESOURCE_DELETION", "Cluster and data")})},
                            {"carry", Json::Obj()}})
                     .Dump());
    } else {
      throw slipway::Error(SLIPWAY_UNSUPPORTED, "UnsupportedVerb", "this engine cannot " + verb,
                           "/verb");
    }
  }

  void step(slipway::Call& call, std::string_view input) const override {
    Give(call);
    call.write(Step(settings_, Json::Parse(input), call.now_ms()).Dump());
  }

 private:
  static void Give(slipway::Call& call) {
    if (call.cancelled())
      throw slipway::Error(SLIPWAY_CANCELLED, "Cancelled", "the call was cancelled");
  }

  const Settings settings_;
};

}  // namespace cnpg

SLIPWAY_ENGINE(cnpg::CnpgEngine, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
