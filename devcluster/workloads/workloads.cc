#include "devcluster/behaviour.h"
#include "devcluster/operators/watches.h"
#include "devcluster/workloads/operator.h"
#include "kube/client.h"

namespace slipway::sim {

namespace operators::workloads {

namespace {

// The controllers, with a client of their own.
class Workloads final : public Behaviour {
 public:
  Workloads(const kube::Config& config, const BehaviourOptions& options,
            const std::vector<std::string>& groups, const Clock& clock, Logger& log,
            Metrics& metrics)
      : client_(config, Settings(), clock, log, metrics),
        operator_(client_, options, groups, clock, log),
        watches_(client_) {
    const auto changed = [this](Watches::Change, const Watches::ObjectPtr& object) {
      operator_.Changed(object->Parse());
    };
    for (const char* kind : {"Pod", "Service"}) watches_.Add("v1", kind, "", changed);
    for (const char* kind : {"StatefulSet", "ReplicaSet", "Deployment"})
      watches_.Add("apps/v1", kind, "", changed);
    for (const char* kind : {"Job", "CronJob"}) watches_.Add("batch/v1", kind, "", changed);
  }

 private:
  static kube::ClientOptions Settings() {
    kube::ClientOptions options;
    options.user_agent = "workloads-sim/1.35.4";
    return options;
  }

  kube::Client client_;
  Operator operator_;
  Watches watches_;
};

}  // namespace

}  // namespace operators::workloads

std::unique_ptr<Behaviour> StartWorkloads(const kube::Config& cluster,
                                          const BehaviourOptions& options,
                                          const std::vector<std::string>& groups,
                                          const Clock& clock, Logger& log, Metrics& metrics) {
  return std::make_unique<operators::workloads::Workloads>(cluster, options, groups, clock, log,
                                                           metrics);
}

}  // namespace slipway::sim
