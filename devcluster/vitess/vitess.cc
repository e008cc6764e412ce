#include "devcluster/behaviour.h"
#include "devcluster/operators/watches.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/operator.h"
#include "kube/client.h"

namespace slipway::sim {

namespace operators::vitess {

namespace {

// The operator, with a client of its own.
class Vitess final : public Behaviour {
 public:
  Vitess(const kube::Config& config, const BehaviourOptions& options, const Clock& clock,
         Logger& log, Metrics& metrics)
      : client_(config, Settings(), clock, log, metrics),
        operator_(client_, options, clock, log),
        watches_(client_) {
    Controller& controller = operator_.controller();
    watches_.Own(kGroup, kKind, controller, "cluster");
    for (const char* kind : {"EtcdLockserver", "VitessBackup", "VitessBackupStorage", "VitessCell",
                             "VitessKeyspace", "VitessShard"})
      watches_.Labelled(kGroup, kind, kClusterLabel, controller, "cluster");
    watches_.Labelled("v1", "Service", kClusterLabel, controller, "cluster");
    for (const char* kind : {"Pod", "PersistentVolumeClaim"})
      watches_.Labelled("v1", kind, kClusterLabel, controller, "cluster",
                        [this](const std::string& uid) { operator_.OwnerGone(uid); });
    for (const char* kind : {"Deployment", "ReplicaSet"})
      watches_.Labelled("apps/v1", kind, kClusterLabel, controller, "cluster");
    watches_.Labelled("batch/v1", "Job", kClusterLabel, controller, "cluster");
    constexpr char kSchedule[] = "planetscale.com/backup-schedule";
    watches_.Own(kGroup, "VitessBackupSchedule", controller, "schedule");
    watches_.Labelled("batch/v1", "Job", kSchedule, controller, "schedule");
    watches_.Labelled("v1", "Pod", kSchedule, controller, "schedule");
    watches_.Add("v1", "Secret", "", [this](Watches::Change, const Watches::ObjectPtr& object) {
      operator_.SecretChanged(object->ref.ns);
    });
  }

 private:
  static kube::ClientOptions Settings() {
    kube::ClientOptions options;
    options.user_agent = "vitess-operator-sim/2.17.0";
    return options;
  }

  kube::Client client_;
  Operator operator_;
  Watches watches_;
};

}  // namespace

}  // namespace operators::vitess

std::unique_ptr<Behaviour> StartVitess(const kube::Config& cluster, const BehaviourOptions& options,
                                       const Clock& clock, Logger& log, Metrics& metrics) {
  return std::make_unique<operators::vitess::Vitess>(cluster, options, clock, log, metrics);
}

}  // namespace slipway::sim
