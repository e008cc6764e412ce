#include "devcluster/cnpg/operator.h"

#include <algorithm>

#include "devcluster/cnpg/backups.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/volumes.h"

namespace slipway::sim::operators::cnpg {

namespace {

std::string ClusterKey(const std::string& ns, const std::string& name) {
  return "cluster/" + ns + "/" + name;
}

}  // namespace

Operator::Operator(kube::Cluster& kube, const BehaviourOptions& options, const Clock& clock,
                   Logger& log)
    : env_{{kube, clock, log, std::max(options.pace, 0.0)}, nullptr},
      controller_(
          env_, "cnpg",
          {[this](const std::string& kind, const std::string& ns, const std::string& name) {
             return Reconcile(kind, ns, name);
           },
           [this](const Json& pod) { StopServersOf(pod); }, [this] { return SweepVolumes(); }}) {
  const std::string programs =
      options.data_dir.empty() ? "" : PostgresRuntime::FindPrograms(options.postgres_bin);
  if (!programs.empty()) {
    const auto changed = [this](const std::string& ns, const std::string& name) {
      controller_.Wake(ClusterKey(ns, name));
    };
    const auto backed_up = [this](const std::string& ns, const std::string& name) {
      controller_.Wake("backup/" + ns + "/" + name);
    };
    auto started = PostgresRuntime::Start({options.data_dir, programs, env_.pace}, clock, log,
                                          changed, backed_up);
    if (started)
      runtime_ = std::move(*started);
    else
      log.Error("sim.postgres_unavailable", {{"error", started.error().message}});
  }
  env_.runtime = runtime_.get();
  log.Info("sim.cnpg_started", {{"postgres", runtime_ ? programs : ""}, {"pace", env_.pace}});
}

Operator::~Operator() {
  controller_.Stop();
  runtime_.reset();
}

void Operator::Refresh(const std::string& ns, const std::string& cluster) {
  const std::string key = ClusterKey(ns, cluster);
  {
    const std::lock_guard lock(mutex_);
    stale_.insert(key);
  }
  controller_.Wake(key);
}

void Operator::VolumeGone(const std::string& uid) {
  if (runtime_) runtime_->Remove(uid);
}

Result<int64_t> Operator::Reconcile(const std::string& kind, const std::string& ns,
                                    const std::string& name) {
  if (kind == "cluster") return ReconcileCluster(ns, name);
  auto next =
      kind == "backup" ? ReconcileBackup(env_, ns, name) : ReconcileScheduledBackup(env_, ns, name);
  if (!next && next.error().code == Code::kNotFound) return -1;  // it or its Cluster is gone
  return next;
}

// Only one worker at a time uses the memory of a key; the map needs the mutex.
ClusterMemory& Operator::MemoryOf(const std::string& key) {
  const std::lock_guard lock(mutex_);
  ClusterMemory& memory = memories_[key];
  if (stale_.erase(key) != 0) memory.ensured_generation = -1;
  if (memory.since.size() > 2000) memory.since.clear();
  return memory;
}

Result<int64_t> Operator::ReconcileCluster(const std::string& ns, const std::string& name) {
  const std::string key = ClusterKey(ns, name);
  Pass pass(env_, MemoryOf(key));
  if (auto read = pass.Read(ns, name); !read) {
    if (read.error().code != Code::kNotFound) return std::move(read).error();
    const std::lock_guard lock(mutex_);
    memories_.erase(key);
    return -1;
  }
  if (BeingDeleted(pass.cluster) || pass.spec.fault == "operator-absent") return -1;
  if (const Json defaults = MissingDefaults(pass.cluster); !defaults.is_null()) {
    TRY_VOID(pass.PatchObject(pass.cluster, defaults));
    return 0;
  }
  if (controller_.PlaysMachinery()) TRY_VOID(PlayMachinery(pass));
  // Before the status says that the cluster is healthy: its Services lead to the servers by then.
  PublishPorts(pass);
  TRY_VOID(ReconcileOperator(pass));
  return pass.NextMs();
}

void Operator::StopServersOf(const Json& pod) {
  if (runtime_ == nullptr) return;
  for (const std::string& volume : VolumesOf(env_.kube, pod)) runtime_->Stop(volume);
}

bool Operator::SweepVolumes() {
  return runtime_ == nullptr || operators::SweepVolumes(*runtime_, env_.kube, "cnpg.io/cluster");
}

}  // namespace slipway::sim::operators::cnpg
