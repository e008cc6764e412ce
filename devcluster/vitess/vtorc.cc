#include "devcluster/vitess/vtorc.h"

#include <algorithm>
#include <utility>

#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/backups.h"
#include "devcluster/vitess/servers.h"

// Plays what the tablets and vtorc write into the topology.
namespace slipway::sim::operators::vitess {

namespace {

// The waits of the real programs, scaled by the pace.
constexpr int64_t kRegisterMs = 5000, kRestoreMs = 10'000, kReparentMs = 6000;

bool Runs(const Json* pod) {
  return pod != nullptr && PodActive(*pod) && PodRunning(*pod);
}

class ShardPlay {
 public:
  ShardPlay(ClusterPass& pass, ShardView& view, const Choose& choose)
      : pass_(pass), view_(view), choose_(choose), topology_(view.topology) {}

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

  // A new, empty tablet looks for the newest backup until it finds one.
  void Restore() {
    for (const Tablet& tablet : view_.shard.tablets) {
      const Json* pod = pass_.PodOf(tablet);
      const auto found = topology_.tablets.find(tablet.alias);
      if (found == topology_.tablets.end() || found->second != "restore" || !Runs(pod) ||
          !BackupFor(pass_, view_, tablet))
        continue;
      if (pass_.Due("restore-" + UidOf(*pod), kRestoreMs)) found->second = PoolType(tablet);
    }
  }

  static std::string PoolType(const Tablet& tablet) {
    return tablet.pool_type == "rdonly" ? "rdonly" : "replica";
  }

  void FailOver() {
    const std::string wait = "reparent-" + view_.shard.name;
    const Tablet* primary = PrimaryOf(view_);
    // When the primary is being turned down, the operator reparents the shard.
    const bool lost = primary != nullptr && !Serves(pass_.PodOf(*primary));
    const Candidates candidates = lost ? FindCandidates() : Candidates();
    if (candidates.empty()) return pass_.Reset(wait);
    if (!pass_.Due(wait, kReparentMs)) return;
    pass_.Reset(wait);
    topology_.primary = choose_(candidates)->alias;
  }

  static bool Serves(const Json* pod) { return Runs(pod) && PodReady(*pod); }

  Candidates FindCandidates() {
    Candidates out;
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
  const Choose& choose_;
  Topology topology_;
};

}  // namespace

Result<void> PlayVtorc(ClusterPass& pass, const Choose& choose) {
  if (!pass.LockserverAnswers()) return {};
  for (ShardView& view : ShardsOf(pass)) TRY_VOID(ShardPlay(pass, view, choose).Run());
  return {};
}

}  // namespace slipway::sim::operators::vitess
