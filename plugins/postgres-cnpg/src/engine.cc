// The engine for PostgreSQL on CloudNativePG: its description and its table of stages.
#include <slipway/engine.hpp>

#include "gucs.h"
#include "objects.h"
#include "parameters.h"
#include "settings.h"
#include "spec.h"
#include "stages.h"

namespace cnpg {

namespace {

Description About() {
  return {
      .engine = SLIPWAY_ENGINE_NAME,
      .version = SLIPWAY_ENGINE_VERSION,
      .title = "PostgreSQL on CloudNativePG",
      .database_type = "POSTGRESQL",
      .backup = true,
      .metrics = true,
      .replicas = true,
      .backup_details =
          Json::Obj({{"types", Json::Arr({"FULL"})},
                     {"continuous", true},
                     {"targets", Json::Arr({"LATEST", "TIME", "LSN", "XID", "NAME", "BACKUP"})},
                     {"in_place", false},
                     {"granularity", "SECOND"}}),
      .parameters_schema = ParametersSchema(),
      .watches = Json::Arr(
          {Watch(kClusterApi, "Cluster",
                 {"/spec/instances", "/status/phase", "/status/phaseReason", "/status/instances",
                  "/status/readyInstances", "/status/instancesStatus", "/status/currentPrimary",
                  "/status/targetPrimary", "/status/conditions", "/status/pluginStatus"}),
           WatchPods({"/spec/nodeName", "/spec/containers"}), WatchVolumes({"/status/capacity"}),
           Watch("v1", "Service", {"/spec/type", "/spec/ports", "/status/loadBalancer"}),
           Watch("batch/v1", "Job", {"/status"}),
           Watch(kClusterApi, "Backup",
                 {"/spec/cluster", "/spec/method", "/status/phase", "/status/error",
                  "/status/commandError", "/status/backupId", "/status/startedAt",
                  "/status/stoppedAt", "/status/reconciliationStartedAt",
                  "/status/reconciliationTerminatedAt", "/status/endLSN", "/status/majorVersion"}),
           Watch(kObjectStoreApi, "ObjectStore", {"/status/serverRecoveryWindow"})}),
      .crds_required = Json::Arr({"postgresql.cnpg.io/v1/Cluster"}),
      .crds_optional = Json::Arr({kScheduledBackupKind, kObjectStoreKind, kPodMonitorKind}),
      .applies =
          Json::Arr({"postgresql.cnpg.io/v1/Cluster", kScheduledBackupKind, kBackupKind,
                     kObjectStoreKind, kPodMonitorKind, "networking.k8s.io/v1/NetworkPolicy"}),
      // The retention deletes a Backup whose data it has deleted.
      .transient = Json::Arr({kBackupKind}),
      .patches =
          Json::Arr({"postgresql.cnpg.io/v1/Cluster", "postgresql.cnpg.io/v1/Cluster/status"}),
      .claims_selector = "cnpg.io/cluster=${name}",
      .login_proof = Json::Obj(
          {{"protocol", "postgresql"}, {"endpoint", "primary"}, {"statement", "SELECT 1"}}),
      .contract = "1.1",
      .features = Json::Arr({"patches"})};
}

How HowOf(std::string_view parameter) {
  return NeedsRestart(parameter) ? How::kRollingRestart : How::kReload;
}

// Pods of the largest tier are spread over zones, which is a part of the pod.
Json Changes(const Json& previous, const Json& spec) {
  Json out = ChangesOf(previous, spec, HowOf);
  const auto spread = [](const Json& of) {
    return of["tier"].AsString() == "ENTERPRISE" && of["instances"].AsInt() > 1;
  };
  if (spread(previous) != spread(spec))
    out.Push(Change{previous["tier"] == spec["tier"] ? "/instances" : "/tier", How::kRollingRestart}
                 .ToJson());
  return out;
}

constexpr StageRow<Stages> kTable[] = {
    {"create", "NAMESPACE_CREATION", "Network policy", &Stages::NamespaceCreation},
    {"create", "CRD_DEPLOYMENT", "CloudNativePG Cluster", &Stages::CrdDeployment},
    {"create", "RESTORE", "Data of the source", &Stages::Restore, WithoutSource},
    {"create", "WAITING_FOR_READY", "PostgreSQL instances", &Stages::WaitingForReady},
    {"create", "CREDENTIAL_GEN", "Credentials of the application user", &Stages::CredentialGen},
    {"create", "BACKUP_CONFIG", "Continuous archiving and backup schedule", &Stages::BackupConfig,
     WithoutBackup},
    {"create", "METRICS_SETUP", "PodMonitor", &Stages::MetricsSetup, WithoutMetrics},
    {"backup", "BACKUP", "Base backup", &Stages::Backup, BackupNotConfigured},
    {"update", "CRD_DEPLOYMENT", "CloudNativePG Cluster", &Stages::CrdDeployment},
    {"update", "WAITING_FOR_READY", "PostgreSQL instances", &Stages::Updated},
    {"update", "CREDENTIAL_CHECK", "Login after the change", &Stages::CredentialGen},
    {"update", "METRICS_SETUP", "PodMonitor", &Stages::MetricsSetup, WithoutMetrics},
    {"restart", "RESTART", "Request of a rolling restart", &Stages::Restart},
    {"restart", "WAITING_FOR_READY", "PostgreSQL instances", &Stages::Restarted},
    {"restart", "CREDENTIAL_CHECK", "Login after the restart", &Stages::CredentialGen},
    {"switchover", "SWITCHOVER", "New primary", &Stages::Switchover},
    {"switchover", "WAITING_FOR_READY", "PostgreSQL instances", &Stages::WaitingForReady},
    {"switchover", "CREDENTIAL_CHECK", "Login after the switchover", &Stages::CredentialGen},
    {"delete", "RESOURCE_DELETION", "Cluster and data", &Stages::ResourceDeletion},
    {"observe", "OBSERVE", nullptr, &Stages::Observe},
};

constexpr Definition<Stages> kEngine{
    .description = About,
    .name = {kNameLimit, "the names of its objects are up to 22 characters longer"},
    .normalise = NormalisedSpec,
    .quota = Quota,
    .sized = "create|update",
    .changes = Changes,
    .table = kTable};

}  // namespace

using CnpgEngine = TableEngine<kEngine, Settings>;

}  // namespace cnpg

SLIPWAY_ENGINE(cnpg::CnpgEngine, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
