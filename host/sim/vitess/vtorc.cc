#include <algorithm>

#include "sim/operators/kubelet.h"
#include "sim/operators/objects_json.h"
#include "sim/vitess/backups.h"
#include "sim/vitess/pass.h"
#include "sim/vitess/tablets.h"

// What the tablets and vtorc write into the topology.
namespace slipway::sim::operators::vitess {

namespace {

// Waits of the real ones, scaled by the pace.
constexpr int64_t kRegisterMs = 5000, kRestoreMs = 10'000, kReparentMs = 6000;

bool Runs(const Json* pod) {
  return pod != nullptr && PodActive(*pod) && PodRunning(*pod);
}

class ShardPlay {
 public:
  ShardPlay(ClusterPass& pass, ShardView& view)
      : pass_(pass), view_(view), topology_(view.topology) {}

  Result<void> Run() {
    Restore();
    Register();
    FailOver();
    return WriteTopology(pass_, view_, topology_);
  }

 private:
  void Register() {
    for (const Tablet& tablet : view_.shard.tablets) {
      const Json* pod = pass_.PodOf(tablet);
      if (topology_.tablets.count(tablet.alias) != 0 || !Runs(pod) ||
          !pass_.Due("register-" + UidOf(*pod), kRegisterMs))
        continue;
      topology_.tablets[tablet.alias] = pass_.spec.has_backup ? "restore" : PoolType(tablet);
    }
  }

  // A new, empty tablet looks for the newest backup until there is one.
  void Restore() {
    if (!BackupInBucket(pass_, view_)) return;
    for (const Tablet& tablet : view_.shard.tablets) {
      const Json* pod = pass_.PodOf(tablet);
      const auto found = topology_.tablets.find(tablet.alias);
      if (found == topology_.tablets.end() || found->second != "restore" || !Runs(pod)) continue;
      if (pass_.Due("restore-" + UidOf(*pod), kRestoreMs)) found->second = PoolType(tablet);
    }
  }

  static std::string PoolType(const Tablet& tablet) {
    return tablet.pool_type == "rdonly" ? "rdonly" : "replica";
  }

  void FailOver() {
    const std::string wait = "reparent-" + view_.shard.name;
    const Tablet* primary = PrimaryOf(view_);
    // One that is turned down is reparented by the operator.
    const bool lost = primary != nullptr && !Serves(pass_.PodOf(*primary));
    const std::vector<const Tablet*> candidates =
        lost ? Candidates() : std::vector<const Tablet*>();
    if (candidates.empty()) return pass_.Reset(wait);
    if (!pass_.Due(wait, kReparentMs)) return;
    pass_.Reset(wait);
    topology_.primary = pass_.env.tablets->Furthest(pass_, candidates)->alias;
  }

  static bool Serves(const Json* pod) { return Runs(pod) && PodReady(*pod); }

  std::vector<const Tablet*> Candidates() {
    std::vector<const Tablet*> out;
    for (const Tablet& tablet : view_.shard.tablets) {
      const Json* pod = pass_.PodOf(tablet);
      if (tablet.alias != topology_.primary && tablet.pool_type == "replica" && Serves(pod) &&
          topology_.TypeOf(tablet.alias) == "replica")
        out.push_back(&tablet);
    }
    return out;
  }

  ClusterPass& pass_;
  ShardView& view_;
  Topology topology_;
};

}  // namespace

Result<void> PlayTopology(ClusterPass& pass) {
  if (!pass.LockserverAnswers()) return {};
  for (ShardView& view : ShardsOf(pass)) TRY_VOID(ShardPlay(pass, view).Run());
  return {};
}

}  // namespace slipway::sim::operators::vitess
