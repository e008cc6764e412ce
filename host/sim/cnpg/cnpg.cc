#include "kube/client.h"
#include "sim/behaviour.h"
#include "sim/cnpg/objects_json.h"
#include "sim/cnpg/operator.h"

namespace slipway::sim {

namespace cnpg {

namespace {

// The operator with a client of its own. Informers only wake keys up: a pass reads what it needs.
class Cnpg final : public Behaviour {
 public:
  Cnpg(const kube::Config& config, const BehaviourOptions& options, const Clock& clock, Logger& log,
       Metrics& metrics)
      : client_(config, Settings(), clock, log, metrics), operator_(client_, options, clock, log) {
    Watch();
    operator_.Sweep();
  }

  // The first one last: the others' callbacks read it until they have ended.
  ~Cnpg() override {
    while (!informers_.empty()) informers_.pop_back();
  }

 private:
  static kube::ClientOptions Settings() {
    kube::ClientOptions options;
    options.user_agent = "cloudnative-pg-sim/1.30.0";
    return options;
  }

  void Watch() {
    const auto watch = [this](const char* version, const char* kind, const char* selector,
                              auto on_object) {
      kube::InformerSpec spec;
      spec.api_version = version;
      spec.kind = kind;
      spec.label_selector = selector;
      spec.keep = {"/status/phase"};
      informers_.push_back(client_.Watch(std::move(spec), on_object));
    };
    using Change = kube::Informer::Change;
    const auto own = [this](const char* kind) {
      return [this, kind](Change, const kube::Informer::ObjectPtr& object) {
        operator_.Wake(std::string(kind) + "/" + object->ref.ns + "/" + object->ref.name);
      };
    };
    const auto of_cluster = [this](Change change, const kube::Informer::ObjectPtr& object) {
      if (change == Change::kDeleted && object->ref.kind == "PersistentVolumeClaim")
        operator_.VolumeGone(object->uid);
      if (change != Change::kDeleted && object->ref.kind == "Pod" && BeingDeleted(object->Parse()))
        operator_.Wake("ending/" + object->ref.ns + "/" + object->ref.name);
      operator_.Wake("cluster/" + object->ref.ns + "/" +
                     LabelOf(object->Parse(), "cnpg.io/cluster"));
    };
    // These concern any Cluster of their namespace.
    const auto everyone = [this](Change, const kube::Informer::ObjectPtr& object) {
      for (const auto& cluster : informers_.front()->All())
        if (cluster->ref.ns == object->ref.ns) operator_.Refresh(object->ref.ns, cluster->ref.name);
    };
    informers_.reserve(16);  // the callbacks use the first one while others are added
    watch(kGroup, "Cluster", "", own("cluster"));
    watch("v1", "Pod", "cnpg.io/cluster", of_cluster);
    watch("batch/v1", "Job", "cnpg.io/cluster", of_cluster);
    watch("v1", "PersistentVolumeClaim", "cnpg.io/cluster", of_cluster);
    watch(kGroup, "Backup", "", own("backup"));
    watch(kGroup, "ScheduledBackup", "", own("schedule"));
    watch("v1", "Secret", "cnpg.io/reload", everyone);
    watch("barmancloud.cnpg.io/v1", "ObjectStore", "", everyone);
    watch(kGroup, "Pooler", "", everyone);
  }

  kube::Client client_;
  Operator operator_;
  std::vector<std::unique_ptr<kube::Informer>> informers_;
};

}  // namespace

}  // namespace cnpg

std::unique_ptr<Behaviour> StartCnpg(const kube::Config& cluster, const BehaviourOptions& options,
                                     const Clock& clock, Logger& log, Metrics& metrics) {
  return std::make_unique<cnpg::Cnpg>(cluster, options, clock, log, metrics);
}

}  // namespace slipway::sim
