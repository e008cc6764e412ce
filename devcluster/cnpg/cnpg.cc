#include "devcluster/behaviour.h"
#include "devcluster/cnpg/operator.h"
#include "devcluster/operators/watches.h"
#include "kube/client.h"

namespace slipway::sim {

namespace operators::cnpg {

namespace {

// The operator together with its own client and watches.
class Cnpg final : public Behaviour {
 public:
  Cnpg(const kube::Config& config, const BehaviourOptions& options, const Clock& clock, Logger& log,
       Metrics& metrics)
      : client_(config, Settings(), clock, log, metrics),
        operator_(client_, options, clock, log),
        watches_(client_) {
    Watch();
    operator_.Sweep();
  }

 private:
  static kube::ClientOptions Settings() {
    kube::ClientOptions options;
    options.user_agent = "cloudnative-pg-sim/1.30.0";
    return options;
  }

  void Watch() {
    using Change = Watches::Change;
    constexpr char kLabel[] = "cnpg.io/cluster";
    Controller& controller = operator_.controller();
    // A change of such an object may concern every Cluster of its namespace.
    const auto everyone = [this](Change, const Watches::ObjectPtr& object) {
      for (const auto& cluster : watches_.All())
        if (cluster->ref.ns == object->ref.ns) operator_.Refresh(object->ref.ns, cluster->ref.name);
    };
    watches_.Own(kGroup, "Cluster", controller, "cluster");
    watches_.Labelled("v1", "Pod", kLabel, controller, "cluster");
    watches_.Labelled("batch/v1", "Job", kLabel, controller, "cluster");
    watches_.Labelled("v1", "PersistentVolumeClaim", kLabel, controller, "cluster",
                      [this](const std::string& uid) { operator_.VolumeGone(uid); });
    watches_.Own(kGroup, "Backup", controller, "backup");
    watches_.Own(kGroup, "ScheduledBackup", controller, "schedule");
    // Secrets that ask for a reload, and Secrets without an owner: an ObjectStore may name one of
    // them, and those carry no label. The operator's other Secrets tell it nothing new.
    watches_.Add("v1", "Secret", "", [everyone](Change change, const Watches::ObjectPtr& object) {
      const Json secret = object->Parse();
      const bool reload = secret["metadata"]["labels"].Has("cnpg.io/reload");
      if (reload || secret["metadata"]["ownerReferences"].empty()) everyone(change, object);
    });
    watches_.Add("barmancloud.cnpg.io/v1", "ObjectStore", "", everyone);
    watches_.Add(kGroup, "Pooler", "", everyone);
  }

  kube::Client client_;
  Operator operator_;
  Watches watches_;
};

}  // namespace

}  // namespace operators::cnpg

std::unique_ptr<Behaviour> StartCnpg(const kube::Config& cluster, const BehaviourOptions& options,
                                     const Clock& clock, Logger& log, Metrics& metrics) {
  return std::make_unique<operators::cnpg::Cnpg>(cluster, options, clock, log, metrics);
}

}  // namespace slipway::sim
