#include "devcluster/vitess/operator.h"

#include <algorithm>

#include "devcluster/operators/objects_json.h"
#include "devcluster/vitess/schedules.h"

namespace slipway::sim::operators::vitess {

namespace {

std::string ClusterKey(const std::string& ns, const std::string& name) {
  return "cluster/" + ns + "/" + name;
}

Json PriorityClass(const char* name, int value) {
  return Json::Obj({{"apiVersion", "scheduling.k8s.io/v1"},
                    {"kind", "PriorityClass"},
                    {"metadata", Json::Obj({{"name", name}})},
                    {"value", value},
                    {"globalDefault", false}});
}

}  // namespace

Operator::Operator(kube::Cluster& kube, const BehaviourOptions& options, const Clock& clock,
                   Logger& log)
    : env_{{kube, clock, log, std::max(options.pace, 0.0)}, nullptr},
      controller_(env_, "vitess",
                  {[this](const std::string& kind, const std::string& ns, const std::string& name) {
                     return Reconcile(kind, ns, name);
                   },
                   [this](const Json& pod) { servers_->StopServersOf(env_.kube, pod); },
                   [this] { return servers_->Sweep(env_.kube); }}),
      servers_(
          MakeServers(options, clock, log, [this](const std::string& ns, const std::string& name) {
            controller_.Wake(ClusterKey(ns, name));
          })) {
  env_.servers = servers_.get();
  log.Info("sim.vitess_started", {{"pace", env_.pace}});
}

Operator::~Operator() {
  controller_.Stop();
  servers_.reset();
}

void Operator::ClusterChanged(const std::string& ns, const std::string& name) {
  controller_.Wake(ClusterKey(ns, name));
}

void Operator::SecretChanged(const std::string& ns) {
  const std::string prefix = ClusterKey(ns, "");
  const std::lock_guard lock(mutex_);
  for (const auto& [key, memory] : memories_)
    if (key.rfind(prefix, 0) == 0) controller_.Wake(key);
}

Result<void> Operator::EnsurePriorities() {
  const std::lock_guard lock(manifest_mutex_);
  if (manifest_applied_) return {};
  for (const Json& object :
       {PriorityClass("vitess", 1000), PriorityClass("vitess-operator-control-plane", 5000)}) {
    auto made = env_.kube.Create(object);
    if (!made && made.error().code != Code::kAlreadyExists) return std::move(made).error();
  }
  manifest_applied_ = true;
  return {};
}

// At most one worker at a time uses the memory of a key; the mutex guards the map.
ClusterMemory& Operator::MemoryOf(const std::string& key) {
  const std::lock_guard lock(mutex_);
  ClusterMemory& memory = memories_[key];
  if (memory.since.size() > 20'000) memory.since.clear();
  return memory;
}

Result<int64_t> Operator::Reconcile(const std::string& kind, const std::string& ns,
                                    const std::string& name) {
  if (kind == "schedule") return ReconcileBackups("schedule/" + ns + "/" + name, ns, name);
  TRY_VOID(EnsurePriorities());
  return ReconcileOne(ns, name);
}

Result<int64_t> Operator::ReconcileBackups(const std::string& key, const std::string& ns,
                                           const std::string& name) {
  const Jobs jobs = controller_.PlaysMachinery() ? Jobs::kPlayed : Jobs::kLeft;
  auto next = ReconcileSchedule(env_, MemoryOf(key), ns, name, jobs);
  if (next || next.error().code != Code::kNotFound) return next;
  const std::lock_guard lock(mutex_);
  memories_.erase(key);
  return -1;
}

Result<int64_t> Operator::ReconcileOne(const std::string& ns, const std::string& name) {
  const std::string key = ClusterKey(ns, name);
  ClusterPass pass(env_, MemoryOf(key));
  if (auto read = pass.Read(ns, name); !read) {
    if (read.error().code != Code::kNotFound) return std::move(read).error();
    const std::lock_guard lock(mutex_);
    memories_.erase(key);
    return -1;
  }
  if (BeingDeleted(pass.cluster) || pass.spec.fault == "operator-absent") return -1;
  TRY_VOID(ReconcileCluster(pass));
  if (controller_.PlaysMachinery()) {
    TRY_VOID(PlayMachinery(pass));
    TRY_VOID(env_.servers->Publish(pass));
  }
  return pass.NextMs();
}

}  // namespace slipway::sim::operators::vitess
