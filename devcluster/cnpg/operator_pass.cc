#include <set>

#include "devcluster/cnpg/objects.h"
#include "devcluster/cnpg/pass.h"
#include "devcluster/operators/objects_json.h"

// One pass of the operator. The steps have the numbers of a pass of the real operator: see section
// 0.1 of STATUS_TIMELINE.md, beside the recordings.
namespace slipway::sim::operators::cnpg {

namespace {

constexpr char kFingerprint[] = "10510f4e3483087d0e1c4d2f13b08bd6abf89f5e025be02e7ec3f366812ce994";
constexpr char kWaiting[] = "Waiting for the instances to become active";

Json PluginStatus() {
  return Json::Arr(
      {Json::Obj({{"capabilities", Json::Arr({"TYPE_RECONCILER_HOOKS", "TYPE_LIFECYCLE_SERVICE",
                                              "TYPE_INSTANCE_SIDECAR_INJECTION"})},
                  {"name", kBarmanPlugin},
                  {"version", kPluginVersion}})});
}

// Steps 2 and 4 to 6. Returns false when the pass must stop.
Result<bool> Preamble(Pass& pass) {
  ClusterSpec& spec = pass.spec;
  if (!spec.unknown_plugin.empty()) {
    TRY_VOID(pass.Phase(
        "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
        "Unknown plugin: '" + spec.unknown_plugin +
            "'. This may be caused by the plugin not being loaded correctly by the operator. "
            "Check the operator and plugin logs for errors"));
    return false;
  }
  TRY_VOID(pass.PatchStatus(Json::Obj({{"operatorCertificateFingerprint", kFingerprint}})));
  if (spec.image.empty()) {
    const Json& reference = pass.cluster.At("/spec/imageCatalogRef");
    const bool shared = reference["kind"].AsString() == "ClusterImageCatalog";
    auto catalog = pass.env.kube.Get({kGroup, shared ? "ClusterImageCatalog" : "ImageCatalog",
                                      shared ? "" : spec.ns, reference["name"].AsString()});
    if (catalog)
      for (const Json& image : catalog->At("/spec/images").items())
        if (image["major"].AsInt() == reference["major"].AsInt())
          spec.image = image["image"].AsString();
    if (spec.image.empty()) {
      TRY_VOID(pass.Phase(
          "Cluster has incomplete or invalid image catalog",
          "Error getting " + reference["kind"].AsString() + "/" + reference["name"].AsString()));
      pass.RequeueIn(1000);
      return false;
    }
    spec.major_version = static_cast<int>(reference["major"].AsInt());
  }
  TRY_VOID(pass.PatchStatus(
      Json::Obj({{"image", spec.image},
                 {"pgDataImageInfo",
                  Json::Obj({{"image", spec.image}, {"majorVersion", spec.major_version}})}})));
  if (spec.has_plugin || pass.status().Has("pluginStatus"))
    TRY_VOID(
        pass.PatchStatus(Json::Obj({{"pluginStatus", spec.has_plugin ? PluginStatus() : Json()}})));
  return true;
}

bool JobUses(const Pass& pass, const std::string& instance) {
  for (const Json& job : pass.jobs)
    if (LabelOf(job, "cnpg.io/instanceName") == instance && !JobComplete(job)) return true;
  return false;
}

void CountVolumes(Pass& pass, Json& status) {
  std::set<std::string> names;
  std::vector<std::string> dangling, healthy, initializing;
  for (const Json& volume : pass.volumes) {
    const std::string& instance = LabelOf(volume, "cnpg.io/instanceName");
    names.insert(instance);
    if (JobUses(pass, instance))
      initializing.push_back(NameOf(volume));
    else if (pass.FindPod(instance) != nullptr)
      healthy.push_back(NameOf(volume));
    else
      dangling.push_back(NameOf(volume));
  }
  const auto number = [](size_t n) { return n == 0 ? Json() : Json(static_cast<int64_t>(n)); };
  SetOrErase(status, "instances", number(names.size()));
  SetOrErase(status, "instanceNames", ListOrNull({names.begin(), names.end()}));
  SetOrErase(status, "pvcCount", number(pass.volumes.size()));
  SetOrErase(status, "jobCount", number(pass.jobs.size()));
  SetOrErase(status, "danglingPVC", ListOrNull(dangling));
  SetOrErase(status, "healthyPVC", ListOrNull(healthy));
  SetOrErase(status, "initializingPVC", ListOrNull(initializing));
}

void CountPods(const Pass& pass, Json& status) {
  std::vector<std::string> ready, replicating, failed;
  std::set<std::string> nodes;
  Json places = Json::MakeObject();
  bool placed = true;
  for (const Json& pod : pass.pods) {
    if (BeingDeleted(pod)) continue;
    (PodActive(pod) && PodReady(pod) ? ready
     : PodRunning(pod)               ? replicating
                                     : failed)
        .push_back(NameOf(pod));
    const std::string& node = pod.At("/spec/nodeName").AsString();
    placed &= PodPlaced(pod);
    nodes.insert(node);
    places.Set(NameOf(pod), Json::MakeObject());
  }
  SetOrErase(status, "readyInstances",
             ready.empty() ? Json() : Json(static_cast<int64_t>(ready.size())));
  Json lists = Json::MakeObject();
  SetOrErase(lists, "failed", ListOrNull(failed));
  SetOrErase(lists, "healthy", ListOrNull(ready));
  SetOrErase(lists, "replicating", ListOrNull(replicating));
  SetOrErase(status, "instancesStatus", lists.empty() ? Json() : lists);
  Json topology = Json::MakeObject();
  if (placed) {
    if (!places.empty())
      topology.Set("instances", places).Set("nodesUsed", static_cast<int64_t>(nodes.size()));
    topology.Set("successfullyExtracted", true);
  }
  status.Set("topology", std::move(topology));
}

// Step 8: counts, lists and conditions.
Result<void> ResourceStatus(Pass& pass) {
  Json status = pass.status();
  for (const auto& [key, value] : pass.memory.static_status.members()) status.Set(key, value);
  CountVolumes(pass, status);
  CountPods(pass, status);
  // The operator drops a target that cannot become primary, without a word.
  const std::string current = pass.current_primary(), target = pass.target_primary();
  if (!current.empty() && target != current && target != "pending") {
    const Json* pod = pass.FindPod(target);
    if (pod == nullptr || !PodActive(*pod)) status.Set("targetPrimary", current);
  }
  const bool started = !pass.volumes.empty();
  SetCondition(status["conditions"], "Initialized", started,
               started ? "BootstrapCompleted" : "BootstrapPending",
               started ? "Cluster has been bootstrapped" : "Cluster has not been bootstrapped yet",
               pass.now());
  HibernationCondition(pass, status["conditions"]);
  return pass.PutStatus(std::move(status));
}

// Step 9: the plugin's hook. Returns false when it stops the pass.
Result<bool> PluginHook(Pass& pass) {
  const bool recovering = !pass.spec.origin_store.empty() && pass.current_primary().empty();
  constexpr char kResources[] = "/spec/instanceSidecarConfiguration/resources";
  if (recovering) {
    auto origin = pass.env.kube.Get(
        {"barmancloud.cnpg.io/v1", "ObjectStore", pass.spec.ns, pass.spec.origin_store});
    if (!origin) {
      pass.RequeueIn(2000);
      return false;
    }
    pass.spec.recovery_sidecar_resources = origin->At(kResources);
  }
  if (!pass.spec.has_plugin) return true;
  auto store = pass.env.kube.Get(
      {"barmancloud.cnpg.io/v1", "ObjectStore", pass.spec.ns, pass.spec.object_store});
  if (!store) {
    pass.RequeueIn(2000);
    return false;
  }
  pass.spec.sidecar_resources = store->At(kResources);
  if (pass.memory.since.count("plugin-objects") != 0) return true;
  for (const Json& object : PluginObjects(pass.spec, *store)) {
    auto created = pass.CreateObject(object);
    if (!created) return std::move(created).error();
  }
  pass.memory.since["plugin-objects"] = 0;
  return true;
}

// Step 11: the answers of the instances.
Result<void> ReportedStatus(Pass& pass) {
  Json status = pass.status();
  const Json before = status["instancesReportedState"];
  const std::string primary =
      pass.current_primary().empty() ? pass.target_primary() : pass.current_primary();
  int64_t timeline = status["timelineID"].AsInt(1);
  // A promotion makes a new timeline. A server reports it; without one we count.
  if (before.Has(primary) && !before[primary]["isPrimary"].AsBool()) ++timeline;
  std::string system_id = status["systemID"].AsString("7575400000000000001");
  Json reported = Json::MakeObject();
  bool answered = false;
  for (const Json& pod : pass.pods) {
    if (!PodRunning(pod) || !PodActive(pod)) continue;
    const std::string& name = NameOf(pod);
    Json one = Json::Obj({{"ip", pod.At("/status/podIP")}, {"isPrimary", name == primary}});
    if (pass.env.runtime != nullptr) {
      const std::string volume = pass.VolumeKey(name);
      PostgresRuntime::State state = pass.env.runtime->Get(volume);
      if (state.running && state.timeline != timeline) {
        pass.env.runtime->Probe(volume);
        state = pass.env.runtime->Get(volume);
        if (!state.primary && state.timeline < status["timelineID"].AsInt()) pass.RequeueIn(300);
      }
      one.Set("isPrimary", state.running && state.primary);
      if (state.running) one.Set("timeLineID", state.timeline);
      if (state.running && state.primary) {
        system_id = std::to_string(state.system_id);
        timeline = state.timeline;
        answered = true;
      }
    } else {
      one.Set("timeLineID", timeline);
      answered = true;
    }
    reported.Set(name, std::move(one));
  }
  const bool any = !reported.empty() && (answered || status.Has("systemID"));
  SetOrErase(status, "instancesReportedState", reported.empty() ? Json() : std::move(reported));
  if (any && answered) status.Set("systemID", system_id).Set("timelineID", timeline);
  if (!any) status.Erase("systemID");
  SetCondition(status["conditions"], "ConsistentSystemID", any, any ? "Unique" : "NotFound",
               any ? "A single, unique system ID was found across reporting instances."
                   : "No instances are present in the cluster to report a system ID.",
               pass.now());
  return pass.PutStatus(std::move(status));
}

// Steps 17 to 19. Returns true when the pass must stop.
Result<bool> WaitForMachinery(Pass& pass) {
  std::string failed;
  bool running = false;
  for (const Json& job : pass.jobs) {
    if (JobFailed(job)) failed += (failed.empty() ? "" : ", ") + NameOf(job);
    running |= !JobComplete(job);
  }
  if (!failed.empty()) {
    TRY_VOID(pass.Phase("Cluster is unrecoverable and needs manual intervention",
                        "Instance creation failed for the following jobs: " + failed +
                            ". Check the job logs to investigate the cause of the failure."));
    pass.RequeueIn(5000);
    return true;
  }
  if (running) return true;
  for (const Json& pod : pass.pods) {
    if (PodActive(pod) && PodRunning(pod)) continue;
    TRY_VOID(pass.Phase(kWaiting, "Some instances are not yet active. Please wait."));
    return true;
  }
  return false;
}

// Step 20.
Result<void> GrowVolumes(Pass& pass) {
  for (Json& volume : pass.volumes) {
    const bool wal = LabelOf(volume, "cnpg.io/pvcRole") == "PG_WAL";
    const std::string& wanted = wal ? pass.spec.wal_storage : pass.spec.storage;
    if (QuantityBytes(wanted) <=
        QuantityBytes(volume.At("/spec/resources/requests/storage").AsString()))
      continue;
    Json patch = Json::MakeObject();
    patch.SetAt("/spec/resources/requests/storage", wanted);
    TRY_VOID(pass.PatchObject(volume, patch));
  }
  return {};
}

}  // namespace

Result<void> ReconcileOperator(Pass& pass) {
  TRY(const bool known, Preamble(pass));
  if (!known) return {};
  TRY_VOID(EnsureObjects(pass));
  TRY_VOID(ResourceStatus(pass));
  TRY(const bool hooked, PluginHook(pass));
  if (!hooked) return {};
  const std::string current = pass.current_primary(), target = pass.target_primary();
  if (!current.empty() && target != current && target != "pending") {
    // Step 10: the operator does nothing else until the target has taken over.
    Json* old = pass.FindPod(current);
    if (old != nullptr && LabelOf(*old, "cnpg.io/instanceRole") != "unhealthy") {
      Json labels = Json::Obj({{"cnpg.io/instanceRole", "unhealthy"}, {"role", "unhealthy"}});
      TRY_VOID(pass.PatchObject(
          *old, Json::Obj({{"metadata", Json::Obj({{"labels", std::move(labels)}})}})));
    }
    return {};
  }
  TRY_VOID(ReportedStatus(pass));
  TRY_VOID(LabelRoles(pass));
  TRY(const bool hibernating, ReconcileHibernation(pass));
  if (hibernating) return {};
  TRY(const bool deciding, ReconcileRoles(pass));
  if (deciding) return {};
  TRY_VOID(RepairVolumes(pass));
  TRY(const bool waiting, WaitForMachinery(pass));
  if (waiting) return {};
  TRY_VOID(GrowVolumes(pass));
  TRY(const bool busy, ReconcileInstances(pass));
  if (busy) return {};
  const int64_t ready = pass.status()["readyInstances"].AsInt();
  if (ready != pass.spec.instances || pass.status()["instances"].AsInt() != ready) return {};
  TRY_VOID(pass.Phase("Cluster in healthy state", ""));
  for (const Json& job : pass.jobs)
    if (JobComplete(job)) TRY_VOID(pass.DeleteObject(job));
  return ApplyRetention(pass);
}

}  // namespace slipway::sim::operators::cnpg
