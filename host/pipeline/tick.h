#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "pipeline/observer.h"
#include "pipeline/service.h"
#include "pipeline/state.h"
#include "pipeline/vault.h"
#include "store/store.h"

namespace slipway::pipeline {

// What every stage needs. Borrowed from the service, which outlives all ticks.
struct TickDeps {
  const PipelineOptions& options;
  const Vault& vault;
  engine::Registry& engines;
  kube::Cluster& cluster;
  store::Store& store;
  Observer& observer;
  const Clock& clock;
  Logger& log;
  Metrics& metrics;
};

// One tick of one operation: what was loaded, and what the next commit will carry.
struct TickContext {
  store::InstanceRecord instance;
  store::OperationRecord operation;
  std::vector<store::ObjectRecord> inventory;
  std::shared_ptr<engine::Engine> engine;  // null until somebody needed it
  Json outputs;                            // of the instance, as it will be

  store::Change pending;  // everything but operation and events

  // Keeps `inventory` and `pending` in step.
  void PutObject(const store::ObjectRecord& record);
  void EraseObject(const store::ObjectRecord& record);
  const store::ObjectRecord* FindObject(const store::ObjectRecord& like) const;
  bool HasPending() const;
};

// What one look at the current stage came to.
struct StageOutcome {
  std::vector<Input> inputs;
  int64_t delay_ms = -1;  // when to look again by ourselves, for inputs that wait

  static StageOutcome Of(Input input) { return {{std::move(input)}, -1}; }
};

// The right that is missing: namespace "" for the whole cluster, name "patch clusters.example.org".
store::WaitingFor PermissionWait(const Error& error);
// A failure of the cluster as the operation sees it: worth another try, or the end of the stage.
StageOutcome FromClusterError(const store::StageRecord& stage, const Error& error);
// The same for an engine's failure. Quarantined and unavailable engines are waited for.
StageOutcome FromEngineError(const store::StageRecord& stage, const std::string& engine,
                             const Error& error);
StageOutcome Waits(std::optional<store::WaitingFor> waiting_for, std::string reason,
                   std::string message, int64_t delay_ms);

// The engine that this operation is pinned to; the current one when it has none yet.
Result<std::shared_ptr<engine::Engine>> EngineOf(const TickDeps& deps, TickContext& context);

// Calls step() until it needs nothing more, at most four rounds. kPrecondition "CacheNotSynced"
// when a watched kind was not listed yet.
Result<Json> CallStep(const TickDeps& deps, TickContext& context, const std::string& verb,
                      const std::string& stage, Json& observed);
// CallStep's failure: of the engine, of the cluster, or of a cache that is not filled yet.
StageOutcome FromStepError(const TickContext& context, const Error& error);
// Guards and applies step's `apply`; the intent is committed before the first request.
Result<void> ApplyAll(const TickDeps& deps, TickContext& context, const Json& apply,
                      const Json& observed);
// The verdict of a step result as inputs.
StageOutcome Judge(const TickDeps& deps, const TickContext& context, const Json& result);

// Stages.
StageOutcome RunPlanning(const TickDeps& deps, TickContext& context);
StageOutcome RunNamespaceCreation(const TickDeps& deps, TickContext& context);
StageOutcome RunEngineStage(const TickDeps& deps, TickContext& context);
StageOutcome RunCredentialGen(const TickDeps& deps, TickContext& context);
StageOutcome RunResourceDeletion(const TickDeps& deps, TickContext& context);
StageOutcome RunNamespaceDeletion(const TickDeps& deps, TickContext& context);

}  // namespace slipway::pipeline
