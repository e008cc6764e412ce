#include "devcluster/workloads/operator.h"

#include <algorithm>

#include "devcluster/operators/deployments.h"
#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/stateful_sets.h"
#include "devcluster/workloads/cron_jobs.h"
#include "devcluster/workloads/jobs.h"
#include "devcluster/workloads/pods.h"

namespace slipway::sim::operators::workloads {

namespace {

struct Kind {
  const char *key, *api_version, *kind;
};

constexpr Kind kKinds[] = {{"pod", "v1", "Pod"},
                           {"service", "v1", "Service"},
                           {"statefulset", "apps/v1", "StatefulSet"},
                           {"replicaset", "apps/v1", "ReplicaSet"},
                           {"deployment", "apps/v1", "Deployment"},
                           {"job", "batch/v1", "Job"},
                           {"cronjob", "batch/v1", "CronJob"}};

const Kind* ByKind(const std::string& kind) {
  for (const Kind& one : kKinds)
    if (one.kind == kind) return &one;
  return nullptr;
}

class WorkloadPass final : public Pass {
 public:
  using Pass::Pass;
};

}  // namespace

Operator::Operator(kube::Cluster& kube, const BehaviourOptions& options,
                   std::vector<std::string> groups, const Clock& clock, Logger& log)
    : env_{kube, clock, log, std::max(options.pace, 0.0)},
      ownership_(kube, std::move(groups)),
      controller_(env_, "workloads",
                  {[this](const std::string& kind, const std::string& ns, const std::string& name) {
                     return Reconcile(kind, ns, name);
                   },
                   {},
                   {}}) {
  log.Info("sim.workloads_started", {{"pace", env_.pace}});
}

// Wakes the object and its controller: the end of a pod concerns its set, and a set its deployment.
void Operator::Changed(const Json& object) {
  const std::string& ns = NamespaceOf(object);
  const Kind* kind = ByKind(object["kind"].AsString());
  if (kind != nullptr) controller_.Wake(std::string(kind->key) + "/" + ns + "/" + NameOf(object));
  WakeControllerOf(object);
}

void Operator::WakeControllerOf(const Json& object) {
  for (const Json& owner : object["metadata"]["ownerReferences"].items()) {
    const Kind* kind = ByKind(owner["kind"].AsString());
    if (owner["controller"].AsBool() && kind != nullptr)
      controller_.Wake(std::string(kind->key) + "/" + NamespaceOf(object) + "/" +
                       owner["name"].AsString());
  }
}

// At most one worker at a time uses the memory of a key; the mutex guards the map.
PassMemory& Operator::MemoryOf(const std::string& key) {
  const std::lock_guard lock(mutex_);
  PassMemory& memory = memories_[key];
  if (memory.since.size() > 2000) memory.since.clear();
  return memory;
}

Result<std::vector<Json>> Operator::All(const char* api_version, const char* kind,
                                        const std::string& ns) {
  TRY(kube::ObjectList list, env_.kube.List(api_version, kind, ns, {}));
  for (Json& item : list.items)  // items need not name their kind
    item.Set("apiVersion", api_version).Set("kind", kind);
  return std::move(list.items);
}

Result<int64_t> Operator::Reconcile(const std::string& kind, const std::string& ns,
                                    const std::string& name) {
  if (!controller_.PlaysMachinery()) return -1;
  const Kind* known = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&kind](const Kind& one) { return one.key == kind; });
  const std::string key = kind + "/" + ns + "/" + name;
  auto object = env_.kube.Get({known->api_version, known->kind, ns, name});
  if (!object) {
    if (object.error().code != Code::kNotFound) return std::move(object).error();
    const std::lock_guard lock(mutex_);
    memories_.erase(key);
    return -1;
  }
  TRY(const bool elsewhere, ownership_.OfAnOperator(*object));
  if (elsewhere) return -1;
  WorkloadPass pass(env_, MemoryOf(key));
  TRY_VOID(Play(pass, *object));
  return pass.NextMs();
}

Result<void> Operator::Play(Pass& pass, Json& object) {
  const std::string &kind = object["kind"].AsString(), &ns = NamespaceOf(object);
  if (kind == "Pod") {
    if (BeingDeleted(object)) controller_.Wake("ending/" + ns + "/" + NameOf(object));
    // Mark the services before the pod can be ready: the host reads a Service when its pods are.
    if (PodPlaced(object) && pass.First("services-" + UidOf(object)))
      TRY_VOID(MarkServicesOf(pass, object));
    return PlayPod(pass, object);
  }
  if (kind == "ReplicaSet") {  // the pass of its deployment does the work
    WakeControllerOf(object);
    return {};
  }
  if (kind == "CronJob") {
    TRY(std::vector<Json> jobs, All("batch/v1", "Job", ns));
    return PlayCronJob(pass, object, jobs);
  }
  TRY(std::vector<Json> pods, All("v1", "Pod", ns));
  if (kind == "Service") return PlayService(pass, object, pods);
  if (kind == "StatefulSet") return PlayStatefulSet(pass, object, pods);
  if (kind == "Job") return PlayWholeJob(pass, object, pods);
  TRY(std::vector<Json> sets, All("apps/v1", "ReplicaSet", ns));
  return PlayDeployment(pass, object, sets, pods);
}

// Marks a service that was made after its pods, because the passes of those pods did not see it.
Result<void> Operator::PlayService(Pass& pass, Json& service, const std::vector<Json>& pods) {
  for (const Json& pod : pods) {
    if (!Selects(service, pod) || !PodPlaced(pod)) continue;
    TRY(const bool elsewhere, ownership_.OfAnOperator(pod));
    if (!elsewhere) return MarkService(pass, service);
  }
  return {};
}

}  // namespace slipway::sim::operators::workloads
