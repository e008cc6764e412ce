#include "devcluster/operators/deployments.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/mounts.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/pass.h"
#include "devcluster/vitess/servers.h"

namespace slipway::sim::operators::vitess {

namespace {

// The waits of the real programs, scaled by the pace.
constexpr int64_t kEtcdMs = 12'000, kReadyMs = 2000, kGatewayMs = 30'000, kServesMs = 6000;
constexpr int64_t kSecretMs = 1000;

// The pods of jobs are played with their jobs.
bool OfJob(const Json& pod) {
  return !LabelOf(pod, "job-name").empty();
}

class Machinery {
 public:
  explicit Machinery(ClusterPass& pass) : pass_(pass) {}

  Result<void> Play() {
    using Stage = Result<void> (Machinery::*)();
    for (const Stage stage :
         {&Machinery::PlayDeployments, &Machinery::SchedulePods, &Machinery::BindVolumes,
          &Machinery::StartPods, &Machinery::ReadyEtcd, &Machinery::ReadyDashboards,
          &Machinery::ReadyGateways, &Machinery::ReadyVtorcs, &Machinery::ReadyReaders,
          &Machinery::Backups, &Machinery::Elections, &Machinery::ReadyTablets}) {
      if (pass_.changed) return {};
      TRY_VOID((this->*stage)());
    }
    return {};
  }

 private:
  Result<void> PlayDeployments() {
    for (Json& deployment : pass_.All("Deployment"))
      TRY_VOID(PlayDeployment(pass_, deployment, pass_.All("ReplicaSet"), pass_.All("Pod")));
    return {};
  }

  Result<void> SchedulePods() {
    for (Json& pod : pass_.All("Pod")) {
      if (!PodActive(pod) || PodPlaced(pod) || OfJob(pod)) continue;
      TRY_VOID(Schedule(pass_, pod, NodeFor(pod), pass_.spec.fault));
    }
    return {};
  }

  // Storage is bound when the first pod uses it.
  Result<void> BindVolumes() {
    for (const Json& pod : pass_.All("Pod")) {
      if (!PodPlaced(pod)) continue;
      for (const Json& volume : pod.At("/spec/volumes").items()) {
        const std::string& name = volume.At("/persistentVolumeClaim/claimName").AsString();
        Json* claim = name.empty() ? nullptr : pass_.Find("PersistentVolumeClaim", name);
        if (claim != nullptr && !BeingDeleted(*claim)) TRY_VOID(BindVolume(pass_, *claim));
      }
    }
    return {};
  }

  // A kubelet does not start a pod until everything that the pod mounts exists.
  Result<Hindrance> HindranceOf(const Json& pod) {
    TRY(const MissingMount missing, FindMissingMount(pass_.kube(), pod));
    if (!missing.volume.empty()) {
      pass_.EventOnce(pod, "Warning", "FailedMount", missing.message);
      pass_.RequeueIn(kSecretMs);
      return Hindrance{"ContainerCreating", ""};
    }
    return Hindrance::ImagePull(pod, pass_.spec.fault);
  }

  Result<void> StartPods() {
    for (Json& pod : pass_.All("Pod")) {
      if (!PodActive(pod) || !PodPlaced(pod) || PodRunning(pod) || OfJob(pod)) continue;
      TRY(const Hindrance hindrance, HindranceOf(pod));
      if (hindrance) {
        TRY_VOID(Hinder(pass_, pod, hindrance));
        continue;
      }
      if (!pass_.Due("start-" + UidOf(pod), kStartMs)) continue;
      const std::string component = LabelOf(pod, kComponent);
      TRY_VOID(SetRunning(pass_, pod, component == "vtbackup"));
      if (component == "vttablet") TRY_VOID(SetContainersReady(pass_, pod, BesideVttablet()));
    }
    return {};
  }

  // Only vttablet's probe needs more than a process.
  static std::vector<std::string> BesideVttablet() { return {"mysqld", "mysqld-exporter"}; }

  template <class F>
  Result<void> ReadyPods(const char* component, int64_t wait_ms, F may) {
    for (Json& pod : pass_.All("Pod")) {
      if (LabelOf(pod, kComponent) != component || !PodActive(pod) || !PodRunning(pod)) continue;
      const bool answers = pass_.env.servers->Answers(pass_, pod);
      if (PodReady(pod) && !answers) TRY_VOID(SetReady(pass_, pod, false));
      if (PodReady(pod) || !answers || pass_.spec.fault == "never-ready" || !may(pod)) continue;
      if (pass_.Due("answers-" + UidOf(pod), wait_ms)) TRY_VOID(SetReady(pass_, pod, true));
    }
    return {};
  }

  Result<void> ReadyEtcd() {
    const bool down = pass_.spec.fault == "etcd-down";
    for (Json& pod : pass_.All("Pod")) {
      if (!down || LabelOf(pod, kComponent) != "etcd" || !PodReady(pod)) continue;
      pass_.Reset("answers-" + UidOf(pod));
      TRY_VOID(SetReady(pass_, pod, false));
    }
    return ReadyPods("etcd", kEtcdMs, [down](const Json&) { return !down; });
  }

  // vtctld, and vtorc too, exit and start again until the lockserver answers.
  Result<void> ReadyDashboards() {
    return ReadyPods("vtctld", kReadyMs, [this](const Json&) { return Lockserver(); });
  }

  Result<void> ReadyVtorcs() {
    return ReadyPods("vtorc", kReadyMs, [this](const Json&) { return Lockserver(); });
  }

  Result<void> ReadyReaders() {
    return ReadyPods("vbs-subcontroller", kReadyMs, [](const Json&) { return true; });
  }

  // vtgate waits for tablets, but not for ever.
  Result<void> ReadyGateways() {
    bool primaries = true;
    for (const ShardView& view : ShardsOf(pass_)) {
      const Tablet* primary = PrimaryOf(view);
      const Json* pod = primary == nullptr ? nullptr : pass_.PodOf(*primary);
      primaries &= pod != nullptr && PodReady(*pod);
    }
    return ReadyPods("vtgate", kReadyMs, [this, primaries](const Json& pod) {
      return Lockserver() && (primaries || pass_.Due("waits-" + UidOf(pod), kGatewayMs));
    });
  }

  bool Lockserver() { return pass_.LockserverAnswers(); }

  Result<void> Backups() { return PlayBackups(pass_); }

  Result<void> Elections() { return pass_.env.servers->PlayTopology(pass_); }

  // The primary's tablet comes first, because the others follow its server.
  Result<void> ReadyTablets() {
    for (ShardView& view : ShardsOf(pass_)) {
      const Tablet* primary = PrimaryOf(view);
      if (primary != nullptr) TRY_VOID(PlayTablet(view, *primary));
      for (const Tablet& tablet : view.shard.tablets)
        if (&tablet != primary) TRY_VOID(PlayTablet(view, tablet));
    }
    return {};
  }

  Result<void> PlayTablet(const ShardView& view, const Tablet& tablet) {
    Json* found = pass_.PodOf(tablet);
    if (found == nullptr || !PodActive(*found) || !PodRunning(*found)) {
      pass_.env.servers->Rest(pass_, tablet);
      return {};
    }
    Json& pod = *found;
    const std::string type = view.topology.TypeOf(tablet.alias), wait = "answers-" + UidOf(pod);
    const bool serves =
        pass_.env.servers->Serves(pass_, view, tablet) && pass_.spec.fault != "never-ready";
    if (!serves) pass_.Reset(wait);
    if (serves == PodReady(pod)) return {};
    if (!serves) return SetContainersReady(pass_, pod, BesideVttablet());
    if (!pass_.Due(wait, type == "primary" ? kReadyMs : kServesMs)) return {};
    return SetReady(pass_, pod, true);
  }

  ClusterPass& pass_;
};

}  // namespace

Result<void> PlayMachinery(ClusterPass& pass) {
  return Machinery(pass).Play();
}

}  // namespace slipway::sim::operators::vitess
