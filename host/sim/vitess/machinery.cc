#include "sim/operators/deployments.h"
#include "sim/operators/kubelet.h"
#include "sim/operators/objects_json.h"
#include "sim/vitess/object_parts.h"
#include "sim/vitess/pass.h"
#include "sim/vitess/tablets.h"

namespace slipway::sim::operators::vitess {

namespace {

// Waits of the real ones, scaled by the pace.
constexpr int64_t kEtcdMs = 12'000, kReadyMs = 2000, kGatewayMs = 30'000, kServesMs = 6000;
constexpr int64_t kSecretMs = 1000;

std::string NodeOf(const Json& pod) {
  unsigned sum = 0;
  for (const char c : NameOf(pod)) sum = sum * 31 + static_cast<unsigned char>(c);
  return "slipway-sim-" + std::to_string(sum % 3 + 1);
}

// Scheduled backups are played by their schedule.
bool OfJob(const Json& pod) {
  return !LabelOf(pod, "planetscale.com/backup-schedule").empty();
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
      TRY_VOID(Schedule(pass_, pod, NodeOf(pod), pass_.spec.fault));
    }
    return {};
  }

  // Storage waits for the first pod that uses it.
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

  // A kubelet waits for what a pod mounts.
  Result<Hindrance> HindranceOf(const Json& pod) {
    for (const Json& volume : pod.At("/spec/volumes").items()) {
      const std::string& name = volume.At("/secret/secretName").AsString();
      if (name.empty()) continue;
      std::string missing = "secret \"" + name + "\" not found";
      auto secret = pass_.kube().Get({"v1", "Secret", NamespaceOf(pod), name});
      if (!secret && secret.error().code != Code::kNotFound) return std::move(secret).error();
      if (secret) {
        missing.clear();
        for (const Json& item : volume.At("/secret/items").items())
          if (!(*secret)["data"].Has(item["key"].AsString()))
            missing = "references non-existent secret key: " + item["key"].AsString();
      }
      if (missing.empty()) continue;
      pass_.EventOnce(
          pod, "Warning", "FailedMount",
          "MountVolume.SetUp failed for volume \"" + volume["name"].AsString() + "\" : " + missing);
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

  // Only vttablet's probe asks for more than a process.
  static std::vector<std::string> BesideVttablet() { return {"mysqld", "mysqld-exporter"}; }

  template <class F>
  Result<void> ReadyPods(const char* component, int64_t wait_ms, F may) {
    for (Json& pod : pass_.All("Pod")) {
      if (LabelOf(pod, kComponent) != component || !PodActive(pod) || !PodRunning(pod) ||
          PodReady(pod) || pass_.spec.fault == "never-ready" || !may(pod))
        continue;
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

  // The others exit, and are started again, until the lockserver answers.
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

  Result<void> Elections() { return PlayTopology(pass_); }

  // The primary's server is what the others follow.
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
      pass_.env.tablets->Rest(pass_, tablet);
      return {};
    }
    Json& pod = *found;
    const std::string type = view.topology.TypeOf(tablet.alias), wait = "answers-" + UidOf(pod);
    const bool joined = !view.topology.primary.empty() && (type == "primary" || type == "replica");
    const bool serves = joined && pass_.env.tablets->Serves(pass_, view, tablet) &&
                        pass_.spec.fault != "never-ready";
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
