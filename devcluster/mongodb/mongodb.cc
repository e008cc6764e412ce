#include "devcluster/behaviour.h"
#include "devcluster/mongodb/operator.h"
#include "devcluster/operators/watches.h"
#include "kube/client.h"

namespace slipway::sim {

namespace operators::mongodb {

namespace {

// The operator, with a client of its own.
class Mongodb final : public Behaviour {
 public:
  Mongodb(const kube::Config& config, const BehaviourOptions& options, const Clock& clock,
          Logger& log, Metrics& metrics)
      : client_(config, Settings(), clock, log, metrics),
        operator_(client_, options, Mck110(), clock, log),
        watches_(client_) {
    const auto member = [this](Watches::Change change, const Watches::ObjectPtr& object) {
      operator_.MemberChanged(object->Parse(), change == Watches::Change::kDeleted);
    };
    watches_.Own(kGroup, kKind, operator_.controller(), "instance");
    watches_.Add("v1", "Pod", "app", member);
    watches_.Add("v1", "PersistentVolumeClaim", "app", member);
    watches_.Add("apps/v1", "StatefulSet", "", member);
    watches_.Add("v1", "Secret", "",
                 [this](Watches::Change change, const Watches::ObjectPtr& object) {
                   operator_.SecretChanged(object->ref, change == Watches::Change::kDeleted);
                 });
    operator_.controller().Sweep();
  }

 private:
  static kube::ClientOptions Settings() {
    kube::ClientOptions options;
    options.user_agent = "mongodb-kubernetes-sim/1.10.0";
    return options;
  }

  kube::Client client_;
  Operator operator_;
  Watches watches_;
};

}  // namespace

}  // namespace operators::mongodb

std::unique_ptr<Behaviour> StartMongodb(const kube::Config& cluster,
                                        const BehaviourOptions& options, const Clock& clock,
                                        Logger& log, Metrics& metrics) {
  return std::make_unique<operators::mongodb::Mongodb>(cluster, options, clock, log, metrics);
}

}  // namespace slipway::sim
