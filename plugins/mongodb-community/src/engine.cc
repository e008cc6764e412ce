// The engine for MongoDB on the MongoDB Community operator, old and new: its description and its
// table of stages.
#include <slipway/engine.hpp>

#include "companions.h"
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
      {Watch(kReplicaSetApi, kReplicaSet.kind, {"/spec/security/tls/enabled", "/status"}),
       Watch("apps/v1", "StatefulSet", {"/spec/replicas", "/status"}),
       WatchPods({"/spec/nodeName"}), WatchVolumes(),
       // Their names are enough. A pod without them never starts, and nothing else reports it.
       Watch("v1", "ServiceAccount", {"/automountServiceAccountToken"}),
       Watch(kRbacApi, "Role", {"/rules"}), Watch(kRbacApi, "RoleBinding", {"/roleRef"})});
}

Description About() {
  return {.engine = SLIPWAY_ENGINE_NAME,
          .version = SLIPWAY_ENGINE_VERSION,
          .title = "MongoDB on the MongoDB Community operator",
          .database_type = "MONGODB",
          .metrics = true,
          .replicas = true,
          .parameters_schema = ParametersSchema(),
          .watches = Watches(),
          .crds_required = Json::Arr({"mongodbcommunity.mongodb.com/v1/MongoDBCommunity"}),
          .crds_optional = Json::Arr({kOnlyOfControllers, kCertificateKind, kPodMonitorKind}),
          .applies = Json::Arr(
              {"mongodbcommunity.mongodb.com/v1/MongoDBCommunity", "v1/Secret", "v1/ServiceAccount",
               "rbac.authorization.k8s.io/v1/Role", "rbac.authorization.k8s.io/v1/RoleBinding",
               "policy/v1/PodDisruptionBudget", "networking.k8s.io/v1/NetworkPolicy",
               kCertificateKind, kPodMonitorKind}),
          .claims_selector = "slipway.dev/instance=${id}",
          .login_proof = Json::Obj({{"protocol", "mongodb"},
                                    {"endpoint", "primary"},
                                    {"database", kDatabase},
                                    {"statement", "ping"}})};
}

std::optional<Omission> NoBackups(const Instance&) {
  return Omission{"BackupNotSupported", "the MongoDB Community operator makes no backups"};
}

constexpr StageRow<Stages> kTable[] = {
    {"create", "NAMESPACE_CREATION", "Network policy and rights of the pods",
     &Stages::NamespaceCreation},
    {"create", "CRD_DEPLOYMENT", "Passwords and MongoDBCommunity", &Stages::CrdDeployment},
    {"create", "WAITING_FOR_READY", "Members of the replica set", &Stages::WaitingForReady},
    {"create", "CREDENTIAL_GEN", "Credentials of the application user", &Stages::CredentialGen},
    {"create", "BACKUP_CONFIG", "Backups", nullptr, NoBackups},
    {"create", "METRICS_SETUP", "PodMonitor", &Stages::MetricsSetup, WithoutMetrics},
    {"delete", "RESOURCE_DELETION", "Replica set and data", &Stages::ResourceDeletion},
    {"observe", "OBSERVE", nullptr, &Stages::Observe},
};

constexpr Definition<Stages> kEngine{
    .description = About,
    .name = {kNameLimit, "its StatefulSets' revisions and its CronJobs are named after it",
             CheckName},
    .normalise = NormalisedSpec,
    .quota = Quota,
    .sized = "create",
    .table = kTable};

}  // namespace

using MongodbEngine = TableEngine<kEngine, Settings>;

}  // namespace mongodb

SLIPWAY_ENGINE(mongodb::MongodbEngine, SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION)
