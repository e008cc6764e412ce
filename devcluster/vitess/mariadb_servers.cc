#include <algorithm>

#include "devcluster/operators/files.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/volumes.h"
#include "devcluster/vitess/bucket_files.h"
#include "devcluster/vitess/mysql_files.h"
#include "devcluster/vitess/mysql_runtime.h"
#include "devcluster/vitess/object_parts.h"
#include "devcluster/vitess/objects.h"
#include "devcluster/vitess/servers.h"
#include "devcluster/vitess/vtorc.h"

namespace slipway::sim::operators::vitess {

namespace {

constexpr int64_t kRestartMs = 2000, kAgainMs = 100;

Result<MysqlRuntime::Plan> PlanOf(ClusterPass& pass, const ShardView& view, const Tablet& tablet,
                                  const std::string& upstream) {
  MysqlRuntime::Plan plan;
  plan.ns = pass.spec.ns;
  plan.cluster = pass.spec.name;
  plan.instance = tablet.name;
  plan.upstream = upstream;
  plan.database = view.keyspace.database;
  plan.parameters = ParseMysqlOptions(tablet.pool.At("/mysqld/configOverrides").AsString());
  TRY(const std::string users, pass.UsersJson());
  TRY(plan.accounts, ParseMysqlUsers(users));
  return plan;
}

// The volume of the shard's primary, for passes that have not read the cluster.
Result<std::string> PrimaryVolume(const Pass& pass, const ClusterSpec& spec, const Shard& shard) {
  TRY(const Json object, pass.kube().Get({kGroup, "VitessShard", spec.ns, shard.name}));
  const std::string primary = Topology::Of(object).primary;
  for (const Tablet& tablet : shard.tablets) {
    if (tablet.alias != primary) continue;
    TRY(const Json claim, pass.kube().Get({"v1", "PersistentVolumeClaim", spec.ns, tablet.name}));
    return UidOf(claim);
  }
  return Error{Code::kPrecondition, "NoPrimary", "shard " + shard.range + " has no primary"};
}

class MariadbServers final : public Servers {
 public:
  MariadbServers(const BehaviourOptions& options, const Clock& clock, Logger& log,
                 OnChange on_change);

  bool Answers(ClusterPass&, const Json&) override { return true; }

  bool Serves(ClusterPass& pass, const ShardView& view, const Tablet& tablet) override;
  bool Leads(ClusterPass& pass, const ShardView& view) override;
  void Rest(ClusterPass& pass, const Tablet& tablet) override;

  Result<void> PlayTopology(ClusterPass& pass) override {
    return PlayVtorc(pass, [&](const Candidates& all) { return Furthest(pass, all); });
  }

  Result<void> Reparent(ClusterPass&, const ShardView&, const std::string&) override { return {}; }

  Result<void> DeleteTablet(ClusterPass&, const std::string&) override { return {}; }

  std::optional<bool> Backup(Pass& pass, const BackupRun& run, std::string& failure) override;

  std::optional<Result<std::vector<BucketEntry>>> Bucket(const ClusterSpec& spec) override {
    if (runtime_ == nullptr) return {};
    return ListBucket(BucketRoot(spec, runtime_->Buckets()), spec);
  }

  std::optional<Result<void>> RemoveBackup(const ClusterSpec& spec, const Keyspace& keyspace,
                                           const Shard& shard, const std::string& name) override {
    if (runtime_ == nullptr) return {};
    return RemoveBackupFiles(
        BackupDirectory(BucketRoot(spec, runtime_->Buckets()), keyspace, shard, name));
  }

  std::optional<bool> FindsBackup(const ShardView& view, const ClusterSpec& spec,
                                  const Tablet& tablet) override {
    if (runtime_ == nullptr) return {};
    return !OriginOf(spec, view, tablet).empty();
  }

  Result<void> Publish(ClusterPass& pass) override;
  void StopServersOf(kube::Cluster& kube, const Json& pod) override;
  void OwnerGone(const std::string& uid) override;
  bool Sweep(kube::Cluster& kube) override;

 private:
  // The directory of the backup that the tablet begins with when it is new; "" for none.
  std::string OriginOf(const ClusterSpec& spec, const ShardView& view, const Tablet& tablet) const {
    if (!spec.has_backup) return "";
    const std::string buckets = runtime_->Buckets();
    return FindBackup(RootByFlags(spec, tablet, buckets).value_or(BucketRoot(spec, buckets)),
                      view.keyspace, view.shard, tablet);
  }

  // Of the tablets that may take over, returns the one that has lost least.
  const Tablet* Furthest(ClusterPass& pass, const Candidates& candidates);

  std::unique_ptr<MysqlRuntime> runtime_;  // null without server programs
};

MariadbServers::MariadbServers(const BehaviourOptions& options, const Clock& clock, Logger& log,
                               OnChange on_change) {
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

bool MariadbServers::Serves(ClusterPass& pass, const ShardView& view, const Tablet& tablet) {
  const std::string type = view.topology.TypeOf(tablet.alias);
  if (view.topology.primary.empty() || (type != "primary" && type != "replica")) return false;
  if (runtime_ == nullptr) return true;
  const Tablet* primary = PrimaryOf(view);
  const std::string volume = VolumeOf(pass, tablet);
  if (primary == nullptr || volume.empty()) return false;
  const bool leads = primary == &tablet;
  const std::string upstream = leads ? "" : VolumeOf(pass, *primary);
  const MysqlRuntime::State first = runtime_->Get(leads ? volume : upstream);
  MysqlRuntime::State state = runtime_->Get(volume);
  // Followers continue with the data that they have until the new primary leads.
  if (leads || (first.running && first.primary)) {
    auto plan = PlanOf(pass, view, tablet, upstream);
    if (!plan) {
      pass.EventOnce(view.object, "Warning", "UsersInvalid", plan.error().message);
      return state.running;
    }
    if (leads) plan->origin = OriginOf(pass.spec, view, tablet);
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

bool MariadbServers::Leads(ClusterPass& pass, const ShardView& view) {
  const Tablet* primary = PrimaryOf(view);
  if (runtime_ == nullptr || primary == nullptr) return primary != nullptr;
  const MysqlRuntime::State state = runtime_->Get(VolumeOf(pass, *primary));
  return state.running && state.primary;
}

void MariadbServers::Rest(ClusterPass& pass, const Tablet& tablet) {
  const std::string volume = runtime_ == nullptr ? "" : VolumeOf(pass, tablet);
  if (!volume.empty()) runtime_->Stop(volume);
}

const Tablet* MariadbServers::Furthest(ClusterPass& pass, const Candidates& candidates) {
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

// A replica may be behind, so the data is the primary's, whichever tablet writes the backup.
std::optional<bool> MariadbServers::Backup(Pass& pass, const BackupRun& run, std::string& failure) {
  using Phase = MysqlRuntime::BackupState::Phase;
  if (runtime_ == nullptr || run.spec.fault == "bad-bucket" || run.spec.fault == "backup-hangs")
    return {};
  const std::string root = BucketRoot(run.spec, runtime_->Buckets());
  const std::string directory =
      BackupDirectory(root, run.keyspace, run.shard, BackupName(run.start_ms, run.by));
  // vtbackup makes no initial backup where there is one, and a run may be asked for again.
  if (!ReadFile(directory + "/MANIFEST").empty() ||
      (run.initial && !FindBackup(root, run.keyspace, run.shard, {}).empty()))
    return true;
  pass.RequeueIn(kAgainMs);
  const MysqlRuntime::BackupState state = runtime_->GetBackup(run.owner);
  if (state.phase == Phase::kRunning) return false;
  if (state.phase != Phase::kNone) {
    failure = state.failure;
    runtime_->ForgetBackup(run.owner);
    return true;
  }
  MysqlRuntime::BackupRequest request;
  request.key = run.owner;
  request.ns = run.spec.ns;
  request.cluster = run.spec.name;
  request.directory = directory;
  const bool incremental = run.incremental();
  request.manifest =
      Json::Obj({{"BackupMethod",
                  incremental ? "builtin" : run.spec.spec.At("/backup/engine").AsString("builtin")},
                 {"Incremental", incremental}});
  if (!run.initial && !incremental) {
    auto source = PrimaryVolume(pass, run.spec, run.shard);
    if (!source) {
      failure = source.error().message;
      return true;
    }
    request.source = *std::move(source);
  }
  runtime_->StartBackup(std::move(request));
  return false;
}

Result<void> MariadbServers::Publish(ClusterPass& pass) {
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
  pass.PublishPort(pass.spec.ns, VtgateService(pass.spec), port);
  return {};
}

void MariadbServers::StopServersOf(kube::Cluster& kube, const Json& pod) {
  if (runtime_ == nullptr) return;
  for (const std::string& volume : VolumesOf(kube, pod)) runtime_->Stop(volume);
}

void MariadbServers::OwnerGone(const std::string& uid) {
  if (runtime_ != nullptr) runtime_->Remove(uid);
}

bool MariadbServers::Sweep(kube::Cluster& kube) {
  return runtime_ == nullptr || SweepVolumes(*runtime_, kube, kClusterLabel);
}

}  // namespace

std::unique_ptr<Servers> MakeMariadbServers(const BehaviourOptions& options, const Clock& clock,
                                            Logger& log, Servers::OnChange on_change) {
  return std::make_unique<MariadbServers>(options, clock, log, std::move(on_change));
}

}  // namespace slipway::sim::operators::vitess
