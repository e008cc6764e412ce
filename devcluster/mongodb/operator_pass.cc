#include <algorithm>

#include "base/crypto.h"
#include "devcluster/mongodb/pass.h"
#include "devcluster/operators/objects_json.h"
#include "devcluster/operators/stateful_sets.h"

namespace slipway::sim::operators::mongodb {

namespace {

constexpr int64_t kRequeueMs = 10'000, kFirstRetryMs = 500, kMaxRetryMs = 60'000;
constexpr char kNotReady[] = "ReplicaSet is not yet ready, retrying in 10 seconds";
constexpr char kScaling[] = "Performing scaling operation";
constexpr char kDeploying[] = "Error deploying MongoDB ReplicaSet: ";

// Writes the status; the message "" removes the field.
Result<void> Report(InstancePass& pass, const char* phase, const std::string& message,
                    Json status = Json::MakeObject()) {
  // These two fields have no omitempty in the real operator.
  if (!pass.status()["mongoUri"].is_string() && !status.Has("mongoUri")) status.Set("mongoUri", "");
  for (const char* counter : {"currentStatefulSetReplicas", "currentMongoDBMembers"})
    if (!pass.status()[counter].is_number() && !status.Has(counter)) status.Set(counter, 0);
  status.Set("phase", phase);
  status.Set("message", message.empty() ? Json() : Json(message));
  return pass.PatchStatusOf(pass.instance, std::move(status));
}

Result<void> Halted(InstancePass& pass, const Stop& stop) {
  TRY_VOID(Report(pass, stop.phase.c_str(), stop.message));
  if (stop.phase == "Pending") {
    pass.memory.failures = 0;
    pass.RequeueIn(kRequeueMs);
  } else {
    const int failures = std::min(pass.memory.failures++, 7);
    pass.RequeueIn(std::min(kFirstRetryMs << failures, kMaxRetryMs));
  }
  return {};
}

// True when all pods of this step have said that they reached the config, or when there are no pods
// yet.
bool AgentsReached(InstancePass& pass, int64_t members) {
  const std::string version = std::to_string(pass.config_version());
  int64_t missing = 0;
  for (int64_t member = 0; member < members; ++member) {
    const Json* pod = pass.PodNamed(pass.spec.name + "-" + std::to_string(member));
    if (pod == nullptr)
      ++missing;
    else if (AnnotationOf(*pod, kAgentVersion) != version)
      return false;
  }
  return missing == 0 || missing == members;
}

Outcome DeployConfig(InstancePass& pass, const Scaling& scaling) {
  TRY(std::optional<Stop> stopped, WriteConfig(pass, scaling));
  if (stopped) return stopped;
  if (pass.set() == nullptr || AgentsReached(pass, scaling.set_members())) return GoOn();
  return Halt("Pending", kNotReady);
}

Outcome DeploySet(InstancePass& pass, Json& set, const SetPlan& plan) {
  const Json wanted = StatefulSetOf(pass.spec, pass.env.release, plan);
  const std::string trouble = std::string(kDeploying) +
                              "error creating/updating StatefulSet: error creating/updating "
                              "StatefulSet: ";
  if (!set.is_object()) {
    TRY(set, pass.CreateObject(wanted));
    return GoOn();
  }
  // The server may store something else than we asked for, so we ask only once.
  const auto attempt = [&] {
    return std::to_string(set["metadata"]["generation"].AsInt()) + UidOf(set) +
           Sha256Hex(wanted.Dump());
  };
  if (pass.memory.tried[plan.name] == attempt()) return GoOn();
  const Json updated = Updated(set, wanted);
  if (const std::string refusal = Refusal(set, updated); !refusal.empty())
    return Halt("Failed", trouble + refusal);
  if (const Json patch = UpdateOf(set, updated); !patch.is_null()) {
    auto patched = pass.PatchObject(set, patch);
    if (!patched && patched.error().code == Code::kInvalid)
      return Halt("Failed", trouble + patched.error().message);
    TRY_VOID(std::move(patched));
  }
  pass.memory.tried[plan.name] = attempt();
  return GoOn();
}

Outcome DeploySets(InstancePass& pass, const Scaling& scaling) {
  const bool on_delete = pass.version_changes();
  TRY(std::optional<Stop> stopped,
      DeploySet(pass, pass.sets[0], {pass.spec.name, scaling.set_members(), on_delete}));
  if (!stopped) {
    TRY(stopped, DeploySet(pass, pass.sets[1],
                           {pass.spec.arbiters_name(), scaling.set_arbiters(), on_delete}));
  }
  if (stopped || on_delete || StatefulSetReady(pass.sets[0], scaling.set_members())) return stopped;
  return Halt("Pending", kNotReady);
}

Outcome Deploy(InstancePass& pass, const Scaling& scaling) {
  const bool ready = pass.set() != nullptr && StatefulSetReady(*pass.set(), scaling.set_members());
  const bool config_first =
      scaling.ConfigFirst(pass.spec.tls, ready, pass.set() != nullptr, pass.version_changes());
  TRY(std::optional<Stop> stopped,
      config_first ? DeployConfig(pass, scaling) : DeploySets(pass, scaling));
  if (!stopped) {
    TRY(stopped, config_first ? DeploySets(pass, scaling) : DeployConfig(pass, scaling));
  }
  return stopped;
}

// The strategy of the arbiters' set follows in the next pass.
Result<void> ResetStrategy(InstancePass& pass) {
  Json& set = pass.sets[0];
  if (set.At("/spec/updateStrategy/type").AsString() != "OnDelete") return {};
  return pass.PatchObject(
      set, Json::Obj({{"spec",
                       Json::Obj({{"updateStrategy", Json::Obj({{"type", "RollingUpdate"}})}})}}));
}

Result<void> Finish(InstancePass& pass, const Scaling& scaling) {
  Json status = Json::MakeObject();
  scaling.Count(status);
  for (const char* counter : {"currentStatefulSetArbitersReplicas", "currentMongoDBArbiters"})
    if (!status.Has(counter)) status.Set(counter, nullptr);
  if (scaling.still_scaling()) {
    TRY_VOID(Report(pass, "Pending", scaling.Message(), std::move(status)));
    pass.RequeueIn(kRequeueMs);
    return {};
  }
  status.Set("mongoUri", pass.spec.uri(pass.spec.members)).Set("version", pass.spec.version);
  TRY_VOID(Report(pass, "Running", "", std::move(status)));
  pass.memory.failures = 0;
  TRY_VOID(WriteConnections(pass));
  TRY_VOID(DropRemovedUsers(pass));
  if (pass.last_spec() == pass.spec.spec && !pass.version_changes() &&
      !AnnotationOf(pass.instance, kLastApplied).empty())
    return {};
  Json annotations =
      Json::Obj({{kLastSuccessful, pass.spec.spec.Dump()}, {kLastApplied, pass.spec.version}});
  return pass.PatchObject(pass.instance,
                          Json::Obj({{"metadata", Json::Obj({{"annotations", annotations}})}}));
}

// After a step of scaling only its timer wakes the real operator.
bool Resting(InstancePass& pass) {
  const Json& status = pass.status();
  if (status["message"].AsString().rfind(kScaling, 0) != 0) return false;
  return !pass.Due("step-" + std::to_string(pass.spec.generation) + "-" +
                       std::to_string(status["currentStatefulSetReplicas"].AsInt()) + "-" +
                       std::to_string(status["currentStatefulSetArbitersReplicas"].AsInt()),
                   kRequeueMs);
}

}  // namespace

Result<void> ReconcileInstance(InstancePass& pass) {
  if (const std::string mistake = pass.spec.Mistake(pass.last_spec()); !mistake.empty())
    return Halted(pass, {"Failed", "error validating new Spec: " + mistake});
  if (Resting(pass)) return {};
  TRY(std::optional<Stop> stopped, Prepare(pass));
  const Scaling scaling(pass.spec, pass.status());
  if (!stopped) {
    TRY(stopped, Deploy(pass, scaling));
  }
  if (stopped) return Halted(pass, *stopped);
  TRY_VOID(ResetStrategy(pass));
  return Finish(pass, scaling);
}

}  // namespace slipway::sim::operators::mongodb
