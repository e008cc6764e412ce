// The engine for MySQL on Vitess: its description and its table of stages.
#include <slipway/engine.hpp>

#include "objects.h"
#include "settings.h"
#include "sizes.h"
#include "spec.h"
#include "stages.h"

namespace vitess {

namespace {

Description About() {
  return {.engine = SLIPWAY_ENGINE_NAME,
          .version = SLIPWAY_ENGINE_VERSION,
          .title = "MySQL on Vitess",
          .database_type = "MYSQL",
          .backup = true,
          .metrics = true,
          .replicas = true,
          .backup_details = Json::Obj({{"types", Json::Arr({"FULL"})},
                                       {"continuous", false},
                                       {"targets", Json::Arr({"LATEST", "BACKUP"})},
                                       {"in_place", false},
                                       {"granularity", "BACKUP"},
                                       {"copy_needs_backup", true}}),
          .parameters_schema = ParametersSchema(),
          // The operator gives our label to pods only; the step asks for its other objects by name.
          .watches = Json::Arr(
              {Watch(kApi, kCluster.kind,
                     {"/spec/keyspaces", "/status/observedGeneration", "/status/globalLockserver",
                      "/status/cells", "/status/keyspaces", "/status/gatewayServiceName",
                      "/status/orphanedCells", "/status/orphanedKeyspaces"}),
               Watch(kApi, "VitessBackupSchedule", {"/status/nextScheduledTimes"}),
               Watch(kJobApi, "Job", {"/status"}), WatchPods()}),
          .crds_required =
              Json::Arr({"planetscale.com/v2/VitessCluster", "planetscale.com/v2/VitessKeyspace",
                         "planetscale.com/v2/VitessShard"}),
          .crds_optional = Json::Arr({kScheduleKind, kPodMonitorKind}),
          .applies = Json::Arr(
              {"planetscale.com/v2/VitessCluster", kScheduleKind, "v1/Secret", "v1/ServiceAccount",
               "v1/LimitRange", "rbac.authorization.k8s.io/v1/Role",
               "rbac.authorization.k8s.io/v1/RoleBinding", "networking.k8s.io/v1/NetworkPolicy",
               "policy/v1/PodDisruptionBudget", "batch/v1/Job", kPodMonitorKind}),
          // Jobs that have ended go after a day.
          .transient = Json::Arr({"batch/v1/Job"}),
          .claims_selector = "planetscale.com/cluster=${name}",
          .login_proof = Json::Obj(
              {{"protocol", "mysql"}, {"endpoint", "primary"}, {"statement", "SELECT 1"}}),
          .contract = "1.1",
          .features = Json::Arr({"lists", "operation"})};
}

constexpr StageRow<Stages> kTable[] = {
    {"create", "NAMESPACE_CREATION", "Network policies and rights", &Stages::NamespaceCreation},
    {"create", "CRD_DEPLOYMENT", "Secrets and VitessCluster", &Stages::CrdDeployment},
    {"create", "RESTORE", "Data of the source", &Stages::Restore, WithoutSource},
    {"create", "WAITING_FOR_READY", "etcd, tablets and vtgate", &Stages::WaitingForReady},
    {"create", "CREDENTIAL_GEN", "Credentials of the application user", &Stages::CredentialGen},
    {"create", "BACKUP_CONFIG", "First backup and backup schedules", &Stages::BackupConfig,
     WithoutBackup},
    {"create", "METRICS_SETUP", "PodMonitor", &Stages::MetricsSetup, WithoutMetrics},
    {"backup", "BACKUP", "Full backup", &Stages::Backup, BackupNotConfigured},
    {"delete", "RESOURCE_DELETION", "Cluster, data and Secrets", &Stages::ResourceDeletion},
    {"observe", "OBSERVE", nullptr, &Stages::Observe},
};

constexpr Definition<Stages> kEngine{
    .description = About,
    .name = {kNameLimit, "the Service of a cell's vtgate has a name up to 27 characters longer"},
    .normalise = NormalisedSpec,
    .quota = Quota,
    .sized = "create",
    .table = kTable};

}  // namespace

using VitessEngine = TableEngine<kEngine, Settings>;

}  // namespace vitess

SLIPWAY_ENGINE(vitess::VitessEngine, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
