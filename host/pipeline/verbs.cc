#include "pipeline/verbs.h"

#include <algorithm>
#include <iterator>

#include "pipeline/stages.h"

namespace slipway::pipeline {
namespace {

constexpr StageDef kCreateStages[] = {
    {stage::kValidating, By::kHost, RunPlanning},
    {stage::kNamespaceCreation, By::kBoth, RunNamespaceCreation},
    {stage::kCrdDeployment, By::kEngine, RunEngineStage},
    {stage::kWaitingForReady, By::kEngine, RunEngineStage},
    {stage::kCredentialGen, By::kBoth, RunCredentialGen},
    {stage::kBackupConfig, By::kEngine, RunEngineStage},
    {stage::kMetricsSetup, By::kEngine, RunEngineStage},
    {stage::kCompleted, By::kHost, RunNothing},
};
constexpr StageDef kRestoreStages[] = {
    {stage::kValidating, By::kHost, RunPlanning},
    {stage::kNamespaceCreation, By::kBoth, RunNamespaceCreation},
    {stage::kCrdDeployment, By::kEngine, RunEngineStage},
    {stage::kRestore, By::kEngine, RunEngineStage},
    {stage::kWaitingForReady, By::kEngine, RunEngineStage},
    {stage::kCredentialGen, By::kBoth, RunCredentialGen},
    {stage::kBackupConfig, By::kEngine, RunEngineStage},
    {stage::kMetricsSetup, By::kEngine, RunEngineStage},
    {stage::kCompleted, By::kHost, RunNothing},
};
constexpr StageDef kDrillStages[] = {
    {stage::kValidating, By::kHost, RunPlanning},
    {stage::kNamespaceCreation, By::kBoth, RunNamespaceCreation},
    {stage::kCrdDeployment, By::kEngine, RunEngineStage},
    {stage::kRestore, By::kEngine, RunEngineStage},
    {stage::kWaitingForReady, By::kEngine, RunEngineStage},
    {stage::kCredentialGen, By::kBoth, RunCredentialGen},
    {stage::kBackupConfig, By::kEngine, RunEngineStage},
    {stage::kMetricsSetup, By::kEngine, RunEngineStage},
    {stage::kCheck, By::kHost, RunCheck},
    {stage::kCompleted, By::kHost, RunNothing},
};
constexpr StageDef kBackupStages[] = {
    {stage::kValidating, By::kHost, RunPlanning},
    {stage::kBackup, By::kEngine, RunEngineStage},
    {stage::kCompleted, By::kHost, RunNothing},
};
constexpr StageDef kRestartStages[] = {
    {stage::kValidating, By::kHost, RunPlanning},
    {stage::kRestart, By::kEngine, RunEngineStage},
    {stage::kWaitingForReady, By::kEngine, RunEngineStage},
    {stage::kCredentialCheck, By::kBoth, RunCredentialGen},
    {stage::kCompleted, By::kHost, RunNothing},
};
constexpr StageDef kSwitchoverStages[] = {
    {stage::kValidating, By::kHost, RunPlanning},
    {stage::kSwitchover, By::kEngine, RunEngineStage},
    {stage::kWaitingForReady, By::kEngine, RunEngineStage},
    {stage::kCredentialCheck, By::kBoth, RunCredentialGen},
    {stage::kCompleted, By::kHost, RunNothing},
};
constexpr StageDef kUpdateStages[] = {
    {stage::kValidating, By::kHost, RunPlanning},
    {stage::kQuota, By::kHost, RunQuota},
    {.name = stage::kCrdDeployment, .by = By::kEngine, .run = RunEngineStage, .reverts = true},
    {.name = stage::kWaitingForReady, .by = By::kEngine, .run = RunEngineStage, .reverts = true},
    {stage::kCredentialCheck, By::kBoth, RunCredentialGen},
    {stage::kMetricsSetup, By::kEngine, RunEngineStage},
    {.name = stage::kQuotaRelease, .by = By::kHost, .run = RunQuotaRelease, .reverts = true},
    {stage::kCompleted, By::kHost, RunNothing},
};
constexpr StageDef kDeleteStages[] = {
    {stage::kValidating, By::kHost, RunPlanning},
    // The host's, since the plan of a delete does not tell of it.
    {stage::kBackup, By::kHost, RunEngineStage, kFinalBackup, true},
    {stage::kCompleted, By::kHost, RunNothing},
};
constexpr DemolitionDef kDemolition[] = {
    {stage::kResourceDeletion, By::kBoth, RunResourceDeletion},
    {stage::kNamespaceDeletion, By::kHost, RunNamespaceDeletion},
};

constexpr VerbPolicy kVerbs[] = {
    {.name = "create",
     .stages = kCreateStages,
     .engine_verb = "create",
     .after_failure = AfterFailure::kUndo,
     .cancellable = true,
     .counts_for_quota = true,
     .makes_instance = true,
     .instance_meanwhile = "PROVISIONING",
     .instance_after = "ACTIVE"},
    {.name = "restore",
     .stages = kRestoreStages,
     .engine_verb = "create",
     .after_failure = AfterFailure::kUndo,
     .cancellable = true,
     .counts_for_quota = true,
     .makes_instance = true,
     .needs_source = true,
     .instance_meanwhile = "PROVISIONING",
     .instance_after = "ACTIVE"},
    {.name = "drill",
     .stages = kDrillStages,
     .engine_verb = "create",
     .after_failure = AfterFailure::kUndo,
     .demolishes = true,
     .cancellable = true,
     .counts_for_quota = true,
     .makes_instance = true,
     .needs_source = true,
     .is_drill = true,
     .instance_meanwhile = "PROVISIONING"},
    {.name = "delete",
     .stages = kDeleteStages,
     .engine_verb = "delete",
     .after_failure = AfterFailure::kNeverGiveUp,
     .demolishes = true,
     .supersedes = true,
     .timed = false,
     .ends_instance = true,
     .instance_meanwhile = "DELETING"},
    // Applies the stored plan again, by the engine that made it.
    {.name = "repair",
     .stages = kCreateStages,
     .engine_verb = "create",
     .after_failure = AfterFailure::kKeep,
     .cancellable = true,
     .plans = false,
     .instance_after = "ACTIVE"},
    {.name = "backup",
     .stages = kBackupStages,
     .engine_verb = "backup",
     .after_failure = AfterFailure::kKeep,
     .cancellable = true,
     .needs_backup = true},
    {.name = "update",
     .stages = kUpdateStages,
     .engine_verb = "update",
     .after_failure = AfterFailure::kRevert,
     .cancellable = true,
     .counts_for_quota = true,
     .changes_spec = true,
     .instance_meanwhile = "UPDATING",
     .instance_after = "ACTIVE"},
    // What was asked of the operator is not taken back: a cancelled one goes on by itself.
    {.name = "restart",
     .stages = kRestartStages,
     .engine_verb = "restart",
     .after_failure = AfterFailure::kKeep,
     .cancellable = true,
     .instance_meanwhile = "RESTARTING",
     .instance_after = "ACTIVE"},
    {.name = "switchover",
     .stages = kSwitchoverStages,
     .engine_verb = "switchover",
     .after_failure = AfterFailure::kKeep,
     .cancellable = true,
     .needs_replica = true,
     .instance_meanwhile = "SWITCHING_OVER",
     .instance_after = "ACTIVE"},
};
constexpr VerbPolicy kUnknown{};

store::StageRecord Pending(std::string_view name, bool rollback) {
  store::StageRecord record;
  record.name = name;
  record.rollback = rollback;
  return record;
}

}  // namespace

const VerbPolicy& PolicyOf(std::string_view verb) {
  for (const VerbPolicy& policy : kVerbs) {
    if (policy.name == verb) return policy;
  }
  return kUnknown;
}

const VerbPolicy& MakingVerb(bool needs_source) {
  return *std::find_if(std::begin(kVerbs), std::end(kVerbs), [&](const VerbPolicy& policy) {
    return policy.makes_instance && !policy.is_drill && policy.needs_source == needs_source;
  });
}

std::string_view EngineVerb(const VerbPolicy& policy, std::string_view stage) {
  if (FindDemolition(stage) != nullptr) return "delete";
  return stage == stage::kBackup ? "backup" : policy.engine_verb;
}

std::vector<std::string> VerbsWith(bool VerbPolicy::*wanted) {
  std::vector<std::string> out;
  for (const VerbPolicy& policy : kVerbs) {
    if (policy.*wanted) out.emplace_back(policy.name);
  }
  return out;
}

std::vector<store::StageRecord> StagesOf(const VerbPolicy& policy, const Json& arguments) {
  std::vector<store::StageRecord> out;
  for (const StageDef& def : policy.stages) {
    if (def.asked_by != nullptr && !arguments[def.asked_by].AsBool()) continue;
    if (policy.demolishes && &def == &policy.stages.back()) {
      for (const DemolitionDef& demolition : kDemolition)
        out.push_back(Pending(demolition.name, false));
    }
    out.push_back(Pending(def.name, false));
  }
  return out;
}

std::vector<store::StageRecord> WayBackOf(const VerbPolicy& policy) {
  std::vector<store::StageRecord> out;
  if (policy.after_failure == AfterFailure::kUndo) {
    for (const DemolitionDef& demolition : kDemolition)
      out.push_back(Pending(demolition.name, true));
  }
  for (const StageDef& def : policy.stages) {
    if (def.reverts) out.push_back(Pending(def.name, true));
  }
  return out;
}

const StageDef* FindStage(const VerbPolicy& policy, std::string_view name) {
  for (const StageDef& def : policy.stages) {
    if (def.name == name) return &def;
  }
  return nullptr;
}

const DemolitionDef* FindDemolition(std::string_view name) {
  for (const DemolitionDef& def : kDemolition) {
    if (def.name == name) return &def;
  }
  return nullptr;
}

bool MayFailNow(const store::OperationRecord& operation) {
  if (operation.stage >= operation.stages.size()) return false;
  const store::StageRecord& record = operation.stages[operation.stage];
  const StageDef* def = FindStage(PolicyOf(operation.verb), record.name);
  return def != nullptr && def->may_fail && !record.rollback;
}

bool IsStage(std::string_view name) {
  return FindDemolition(name) != nullptr ||
         std::any_of(std::begin(kVerbs), std::end(kVerbs),
                     [&](const VerbPolicy& policy) { return FindStage(policy, name) != nullptr; });
}

bool IsEngineStage(const VerbPolicy& policy, std::string_view name) {
  if (const StageDef* def = FindStage(policy, name)) return def->by != By::kHost;
  const DemolitionDef* def = policy.demolishes ? FindDemolition(name) : nullptr;
  return def != nullptr && def->by != By::kHost;
}

}  // namespace slipway::pipeline
