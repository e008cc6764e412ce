#include "sim/cnpg/operator.h"

#include <algorithm>

#include "sim/cnpg/backups.h"
#include "sim/cnpg/objects_json.h"

namespace slipway::sim::cnpg {

namespace {

constexpr size_t kWorkers = 4;
constexpr int64_t kRetryMs = 50, kMaxRetryMs = 5000;
constexpr char kSweepKey[] = "sweep//";

std::string ClusterKey(const std::string& ns, const std::string& name) {
  return "cluster/" + ns + "/" + name;
}

}  // namespace

Operator::Operator(kube::Cluster& kube, const BehaviourOptions& options, const Clock& clock,
                   Logger& log)
    : log_(log),
      env_{kube, clock, log, nullptr, std::max(options.pace, 0.0)},
      queue_(kWorkers, clock, [this](const std::string& key) { Work(key); }) {
  const std::string programs =
      options.data_dir.empty() ? "" : PostgresRuntime::FindPrograms(options.postgres_bin);
  if (!programs.empty()) {
    const auto changed = [this](const std::string& ns, const std::string& name) {
      queue_.Add(ClusterKey(ns, name));
    };
    auto started = PostgresRuntime::Start({options.data_dir, programs}, clock, log, changed);
    if (started)
      runtime_ = std::move(*started);
    else
      log.Error("sim.postgres_unavailable", {{"error", started.error().message}});
  }
  env_.runtime = runtime_.get();
  log.Info("sim.cnpg_started", {{"postgres", runtime_ ? programs : ""}, {"pace", env_.pace}});
}

Operator::~Operator() {
  queue_.Stop();
  runtime_.reset();
}

void Operator::Wake(const std::string& key) {
  queue_.Add(key);
}

void Operator::Refresh(const std::string& ns, const std::string& cluster) {
  const std::string key = ClusterKey(ns, cluster);
  {
    const std::lock_guard lock(mutex_);
    stale_.insert(key);
  }
  queue_.Add(key);
}

void Operator::VolumeGone(const std::string& uid) {
  if (runtime_) runtime_->Remove(uid);
}

void Operator::Sweep() {
  if (runtime_) queue_.Add(kSweepKey);
}

void Operator::Work(const std::string& key) {
  if (key == kSweepKey) return SweepNow();
  const size_t first = key.find('/'), second = key.find('/', first + 1);
  const std::string kind = key.substr(0, first), ns = key.substr(first + 1, second - first - 1),
                    name = key.substr(second + 1);
  Result<int64_t> next = kind == "backup"     ? ReconcileBackup(env_, ns, name)
                         : kind == "schedule" ? ReconcileScheduledBackup(env_, ns, name)
                         : kind == "ending"   ? EndPod(ns, name)
                                              : ReconcileCluster(key, ns, name);
  if (next) {
    {
      const std::lock_guard lock(mutex_);
      failures_.erase(key);
    }
    if (*next >= 0) queue_.Add(key, std::min<int64_t>(*next, 3'600'000));
    return;
  }
  if (next.error().code == Code::kNotFound && kind != "cluster") return;
  int failures = 0;
  {
    const std::lock_guard lock(mutex_);
    failures = std::min(++failures_[key], 7);
  }
  const bool expected =
      next.error().code == Code::kConflict || next.error().code == Code::kNotFound;
  log_.Write(expected ? Logger::Level::kDebug : Logger::Level::kWarn, "sim.cnpg_pass_failed",
             {{"key", key}, {"error", next.error().message}});
  queue_.Add(key, std::min(kRetryMs << (failures - 1), kMaxRetryMs));
}

// What a key remembers is used by one worker at a time; the map needs the mutex.
ClusterMemory& Operator::MemoryOf(const std::string& key) {
  const std::lock_guard lock(mutex_);
  ClusterMemory& memory = memories_[key];
  if (stale_.erase(key) != 0) memory.ensured_generation = -1;
  if (memory.since.size() > 2000) memory.since.clear();
  return memory;
}

Result<int64_t> Operator::ReconcileCluster(const std::string& key, const std::string& ns,
                                           const std::string& name) {
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
  if (PlaysMachinery()) TRY_VOID(PlayMachinery(pass));
  TRY_VOID(ReconcileOperator(pass));
  TRY_VOID(PublishPorts(pass));
  return pass.changed ? 0 : pass.requeue_ms;
}

// A kubelet's last act: the API server keeps a deleted pod until it is told that nothing runs in it
// any more, whether its Cluster still stands or not.
Result<int64_t> Operator::EndPod(const std::string& ns, const std::string& name) {
  TRY(const Json pod, env_.kube.Get({"v1", "Pod", ns, name}));
  const bool ended_by_server = !AnnotationOf(pod, "sim.slipway.dev/deletion-grace-ms").empty();
  if (!BeingDeleted(pod) || ended_by_server || !PlaysMachinery()) return -1;
  if (runtime_ != nullptr) {
    for (const Json& volume : pod.At("/spec/volumes").items()) {
      const std::string& claim = volume.At("/persistentVolumeClaim/claimName").AsString();
      if (claim.empty()) continue;
      auto found = env_.kube.Get({"v1", "PersistentVolumeClaim", ns, claim});
      if (found) runtime_->Stop(UidOf(*found));
    }
  }
  kube::DeleteOptions options;
  options.uid = UidOf(pod);
  options.grace_seconds = 0;
  TRY_VOID(env_.kube.Delete(RefOf(pod), options));
  return -1;
}

// False when the cluster has kubelets of its own.
bool Operator::PlaysMachinery() {
  std::call_once(machinery_once_, [this] {
    auto nodes = env_.kube.List("v1", "Node", "", {});
    if (!nodes) return;
    for (const Json& node : nodes->items) {
      const bool ours = NameOf(node).rfind("slipway-sim", 0) == 0 || NameOf(node) == "sim-node";
      if (!ours && !node.At("/status/nodeInfo/kubeletVersion").AsString().empty())
        machinery_ = false;
    }
  });
  return machinery_;
}

void Operator::SweepNow() {
  kube::ListOptions options;
  options.label_selector = "cnpg.io/cluster";
  auto claims = env_.kube.List("v1", "PersistentVolumeClaim", "", options);
  if (!claims) return queue_.Add(kSweepKey, kMaxRetryMs);
  std::set<std::string> known;
  for (const Json& claim : claims->items) known.insert(UidOf(claim));
  for (const std::string& volume : runtime_->Volumes())
    if (known.count(volume) == 0 && runtime_->Get(volume).instance.empty())
      runtime_->Remove(volume);
}

}  // namespace slipway::sim::cnpg
