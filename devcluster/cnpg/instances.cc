#include <algorithm>
#include <set>

#include "devcluster/cnpg/objects.h"
#include "devcluster/cnpg/pass.h"
#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators::cnpg {

namespace {

int SerialOf(const Json& object) {
  return std::atoi(AnnotationOf(object, "cnpg.io/nodeSerial").c_str());
}

Result<void> CreateVolumes(Pass& pass, int serial) {
  std::vector<Json> wanted{VolumeClaim(pass.spec, serial, "PG_DATA")};
  if (!pass.spec.wal_storage.empty()) wanted.push_back(VolumeClaim(pass.spec, serial, "PG_WAL"));
  for (const Json& volume : wanted) {
    auto created = pass.CreateObject(volume);
    if (!created) return std::move(created).error();
  }
  return {};
}

Result<void> CreateJob(Pass& pass, int serial, const std::string& job) {
  auto created = pass.CreateObject(BootstrapJob(pass.spec, serial, job));
  if (!created) return std::move(created).error();
  return {};
}

Result<void> FirstPrimary(Pass& pass) {
  const std::string name = pass.spec.InstanceName(1);
  TRY_VOID(CreateVolumes(pass, 1));
  TRY_VOID(pass.PatchStatus(
      Json::Obj({{"targetPrimary", name}, {"targetPrimaryTimestamp", MicroTime(pass.now())}})));
  const bool restored = pass.spec.bootstrap_job == "full-recovery";
  pass.Event("CreatingInstance", restored ? "Primary instance (from backup)"
                                          : "Primary instance (" + pass.spec.bootstrap_job + ")");
  TRY_VOID(pass.Phase("Setting up primary", "Creating primary instance " + name));
  return CreateJob(pass, 1, pass.spec.bootstrap_job);
}

Result<void> RecreatePod(Pass& pass, Json& volume) {
  const std::string instance = LabelOf(volume, "cnpg.io/instanceName");
  for (Json& one : pass.volumes) {
    if (LabelOf(one, "cnpg.io/instanceName") != instance) continue;
    TRY_VOID(pass.PatchObject(
        one,
        Json::Obj({{"metadata",
                    Json::Obj({{"annotations", Json::Obj({{"cnpg.io/pvcStatus", "ready"}})}})}})));
  }
  auto created = pass.CreateObject(InstancePod(pass.spec, SerialOf(volume)));
  if (!created) return std::move(created).error();
  return {};
}

Result<void> NextReplica(Pass& pass, const std::set<int>& serials) {
  int serial = 1;
  while (serials.count(serial) != 0) ++serial;
  const std::string name = pass.spec.InstanceName(serial);
  pass.Event("CreatingInstance", "Creating instance " + name);
  TRY_VOID(pass.Phase("Creating a new replica", "Creating replica " + name + "-join"));
  TRY_VOID(CreateJob(pass, serial, "join"));
  return CreateVolumes(pass, serial);
}

Result<void> ScaleDown(Pass& pass, const std::set<int>& serials) {
  std::string victim;
  for (const int serial : serials)
    if (pass.spec.InstanceName(serial) != pass.current_primary())
      victim = pass.spec.InstanceName(serial);
  if (victim.empty()) return {};
  pass.Event("ScaleDown", "Scaling down - removing instance: " + victim);
  // The volume goes last: as long as it exists, the next pass still knows what to do.
  for (const auto* list : {&pass.jobs, &pass.pods, &pass.volumes})
    for (const Json& object : *list)
      if (LabelOf(object, "cnpg.io/instanceName") == victim) TRY_VOID(pass.DeleteObject(object));
  return {};
}

Result<void> RestartPod(Pass& pass, const Json& pod, const std::string& phase,
                        const std::string& reason) {
  pass.Event("UpgradingInstance", "Upgrading instance " + NameOf(pod));
  TRY_VOID(pass.Phase(phase, reason));
  return pass.DeleteObject(pod);
}

constexpr char kConfigReason[] = "Postgres needs a restart to apply some configuration changes";

// The values of the parameters that change only when the server starts.
std::string StartParameters(const ClusterSpec& spec) {
  std::string out;
  for (const char* name :
       {"max_connections", "shared_buffers", "max_worker_processes", "max_prepared_transactions",
        "wal_level", "max_wal_senders", "max_replication_slots", "huge_pages",
        "shared_preload_libraries", "max_locks_per_transaction"})
    out += spec.parameters[name].AsString() + "|";
  return out;
}

std::string ReasonOf(Pass& pass, const Json& pod) {
  const std::string wanted = StartParameters(pass.spec);
  // A pod that we see for the first time counts as started with the present parameters. After a
  // restart of ours that is so: every server has started again.
  const auto [known, fresh] = pass.memory.started_with.emplace(UidOf(pod), wanted);
  const std::string reason = RestartReason(pass.spec, pod);
  return !reason.empty() ? reason : known->second != wanted ? kConfigReason : "";
}

// Restarts one pod that differs from the spec: replicas first, from the last one, then the primary.
// Returns true when it did something.
Result<bool> RollingUpdate(Pass& pass) {
  const std::string current = pass.current_primary();
  const Json* primary = nullptr;
  std::string replica;
  for (auto pod = pass.pods.rbegin(); pod != pass.pods.rend(); ++pod) {
    const std::string name = NameOf(*pod);
    if (name == current) {
      primary = &*pod;
      continue;
    }
    replica = name;
    const std::string reason = ReasonOf(pass, *pod);
    if (reason.empty()) continue;
    TRY_VOID(RestartPod(pass, *pod, "Upgrading cluster",
                        "Restarting instance " + name + ", because: " + reason));
    return true;
  }
  const std::string reason = primary == nullptr ? "" : ReasonOf(pass, *primary);
  if (reason.empty()) return false;
  if (pass.spec.switchover_updates && !replica.empty()) {
    TRY_VOID(pass.Phase("Upgrading cluster", reason));
    TRY_VOID(pass.PatchStatus(Json::Obj(
        {{"targetPrimary", replica}, {"targetPrimaryTimestamp", MicroTime(pass.now())}})));
    return true;
  }
  pass.memory.restarting_primary = current;
  if (pass.spec.switchover_updates)
    TRY_VOID(RestartPod(
        pass, *primary, "Upgrading cluster",
        "The primary instance needs to be restarted: " + current + ", reason: " + reason));
  else if (reason == kConfigReason)
    TRY_VOID(RestartPod(pass, *primary, "Primary instance is being restarted in-place", reason));
  else
    TRY_VOID(RestartPod(pass, *primary, "Primary instance is being restarted without a switchover",
                        reason));
  return true;
}

// True for a claim that has no job to fill it: the pass that made the claim was cut short.
bool Unfilled(const Pass& pass, const Json& volume) {
  const bool has_job = std::any_of(pass.jobs.begin(), pass.jobs.end(), [&](const Json& job) {
    return LabelOf(job, "cnpg.io/instanceName") == LabelOf(volume, "cnpg.io/instanceName");
  });
  return !has_job && AnnotationOf(volume, "cnpg.io/pvcStatus") == "initializing";
}

}  // namespace

Result<void> RepairVolumes(Pass& pass) {
  for (const Json& job : pass.jobs) {
    const std::string& instance = LabelOf(job, "cnpg.io/instanceName");
    if (JobComplete(job) || pass.FindVolume(instance) != nullptr) continue;
    TRY_VOID(CreateVolumes(pass, std::atoi(instance.c_str() + pass.spec.name.size() + 1)));
  }
  return {};
}

Result<bool> ReconcileInstances(Pass& pass) {
  if (pass.volumes.empty()) {
    TRY_VOID(FirstPrimary(pass));
    return true;
  }
  const std::string current = pass.current_primary();
  std::set<int> serials;
  Json* dangling = nullptr;
  for (Json& volume : pass.volumes) {
    if (LabelOf(volume, "cnpg.io/pvcRole") != "PG_DATA") continue;
    serials.insert(SerialOf(volume));
    if (dangling == nullptr && pass.FindPod(LabelOf(volume, "cnpg.io/instanceName")) == nullptr)
      dangling = &volume;
  }
  if (dangling != nullptr && Unfilled(pass, *dangling)) {
    const bool first = current.empty();
    if (first)
      TRY_VOID(FirstPrimary(pass));
    else
      TRY_VOID(CreateJob(pass, SerialOf(*dangling), "join"));
    return true;
  }
  if (dangling != nullptr) {
    TRY_VOID(RecreatePod(pass, *dangling));
    return true;
  }
  const int instances = static_cast<int>(serials.size());
  if (instances > pass.spec.instances) {
    TRY_VOID(ScaleDown(pass, serials));
    return true;
  }
  const bool all_ready = std::all_of(pass.pods.begin(), pass.pods.end(), PodReady);
  if (!all_ready || static_cast<int>(pass.pods.size()) < instances) return true;
  if (instances < pass.spec.instances) {
    TRY_VOID(NextReplica(pass, serials));
    return true;
  }
  return RollingUpdate(pass);
}

}  // namespace slipway::sim::operators::cnpg
