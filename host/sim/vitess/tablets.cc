#include "sim/vitess/tablets.h"

#include <algorithm>
#include <sstream>

#include "sim/operators/kubelet.h"
#include "sim/operators/objects_json.h"
#include "sim/operators/volumes.h"
#include "sim/vitess/object_parts.h"
#include "sim/vitess/objects.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr int64_t kRestartMs = 2000, kAgainMs = 100;

// "" when the tablet has no claim yet.
std::string VolumeOf(ClusterPass& pass, const Tablet& tablet) {
  const Json* claim = pass.Find("PersistentVolumeClaim", tablet.name);
  return claim == nullptr ? "" : UidOf(*claim);
}

std::string Trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

// The lines of a my.cnf.
Json Parameters(const std::string& overrides) {
  Json out = Json::MakeObject();
  std::istringstream lines(overrides);
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos || Trimmed(line)[0] == '#') continue;
    std::string name = Trimmed(line.substr(0, equals));
    for (char& c : name) c = c == '-' ? '_' : c;
    out.Set(name, Trimmed(line.substr(equals + 1)));
  }
  return out;
}

Result<MysqlRuntime::Plan> PlanOf(ClusterPass& pass, const ShardView& view, const Tablet& tablet,
                                  const std::string& upstream) {
  MysqlRuntime::Plan plan;
  plan.ns = pass.spec.ns;
  plan.cluster = pass.spec.name;
  plan.instance = tablet.name;
  plan.upstream = upstream;
  plan.database = view.keyspace.database;
  plan.parameters = Parameters(tablet.pool.At("/mysqld/configOverrides").AsString());
  TRY(const std::string users, pass.UsersJson());
  TRY(plan.accounts, ParseMysqlUsers(users));
  return plan;
}

}  // namespace

const Tablet* PrimaryOf(const ShardView& view) {
  for (const Tablet& tablet : view.shard.tablets)
    if (tablet.alias == view.topology.primary) return &tablet;
  return nullptr;
}

Tablets::Tablets(const BehaviourOptions& options, const Clock& clock, Logger& log,
                 MysqlRuntime::OnChange on_change) {
  const std::string programs =
      options.data_dir.empty() ? "" : MysqlRuntime::FindPrograms(options.mysql_bin);
  if (programs.empty()) return;
  auto started =
      MysqlRuntime::Start({options.data_dir, programs}, clock, log, std::move(on_change));
  if (started)
    runtime_ = std::move(*started);
  else
    log.Error("sim.mysql_unavailable", {{"error", started.error().message}});
}

Tablets::~Tablets() = default;

bool Tablets::Serves(ClusterPass& pass, const ShardView& view, const Tablet& tablet) {
  if (runtime_ == nullptr) return true;
  const Tablet* primary = PrimaryOf(view);
  const std::string volume = VolumeOf(pass, tablet);
  if (primary == nullptr || volume.empty()) return false;
  const bool leads = primary == &tablet;
  const std::string upstream = leads ? "" : VolumeOf(pass, *primary);
  const MysqlRuntime::State first = runtime_->Get(leads ? volume : upstream);
  MysqlRuntime::State state = runtime_->Get(volume);
  // Those that follow go on with what they have until the primary is one.
  if (leads || (first.running && first.primary)) {
    auto plan = PlanOf(pass, view, tablet, upstream);
    if (!plan) {
      pass.EventOnce(view.object, "Warning", "UsersInvalid", plan.error().message);
      return state.running;
    }
    runtime_->Want(volume, *std::move(plan));
    state = runtime_->Get(volume);
  } else {
    pass.RequeueIn(kAgainMs);
  }
  const std::string wait = "restart-" + volume;
  if (!state.exited) pass.Reset(wait);
  if (state.exited && pass.Due(wait, kRestartMs)) {
    pass.Reset(wait);
    runtime_->Restart(volume);
  }
  return state.running && state.primary == leads;
}

bool Tablets::Leads(ClusterPass& pass, const ShardView& view) {
  const Tablet* primary = PrimaryOf(view);
  if (runtime_ == nullptr || primary == nullptr) return primary != nullptr;
  const MysqlRuntime::State state = runtime_->Get(VolumeOf(pass, *primary));
  return state.running && state.primary;
}

void Tablets::Rest(ClusterPass& pass, const Tablet& tablet) {
  const std::string volume = runtime_ == nullptr ? "" : VolumeOf(pass, tablet);
  if (!volume.empty()) runtime_->Stop(volume);
}

const Tablet* Tablets::Furthest(ClusterPass& pass, const std::vector<const Tablet*>& candidates) {
  const Tablet* best = candidates.front();
  if (runtime_ == nullptr || candidates.size() == 1) return best;
  uint64_t most = 0;
  for (const Tablet* candidate : candidates) {
    const uint64_t has = runtime_->Probe(VolumeOf(pass, *candidate));
    if (has > most) best = candidate;
    most = std::max(most, has);
  }
  return best;
}

Result<void> Tablets::Publish(ClusterPass& pass) {
  if (runtime_ == nullptr) return {};
  bool open = false;
  for (const Json& pod : pass.All("Pod"))
    open |= LabelOf(pod, kComponent) == "vtgate" && PodReady(pod) && !BeingDeleted(pod);
  int port = 0;
  const std::vector<ShardView> shards = ShardsOf(pass);
  if (open && !shards.empty()) {
    if (const Tablet* primary = PrimaryOf(shards.front())) {
      const MysqlRuntime::State state = runtime_->Get(VolumeOf(pass, *primary));
      if (state.running && state.primary) port = state.port;
    }
  }
  return pass.PublishPort(pass.spec.ns, VtgateService(pass.spec), port);
}

void Tablets::StopServersOf(kube::Cluster& kube, const Json& pod) {
  if (runtime_ == nullptr) return;
  for (const std::string& volume : VolumesOf(kube, pod)) runtime_->Stop(volume);
}

void Tablets::VolumeGone(const std::string& uid) {
  if (runtime_ != nullptr) runtime_->Remove(uid);
}

bool Tablets::Sweep(kube::Cluster& kube) {
  return runtime_ == nullptr || SweepVolumes(*runtime_, kube, kClusterLabel);
}

}  // namespace slipway::sim::operators::vitess
