#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/catalog.h"
#include "pipeline/ask.h"
#include "pipeline/inventory.h"
#include "pipeline/lifecycle.h"
#include "pipeline/observer.h"
#include "pipeline/options.h"
#include "pipeline/stage_clock.h"
#include "secrets/vault.h"
#include "store/store.h"

namespace slipway::pipeline {

// A stage that hears nothing is looked at again after this.
inline constexpr int64_t kResyncMs = 30'000;

// What every tick needs. Borrowed from the service, which outlives all ticks.
struct TickDeps {
  const PipelineOptions& options;
  const secrets::Vault& vault;
  engine::Catalog& engines;
  kube::Cluster& cluster;
  store::Store& store;
  Observer& observer;
  StageClock& stage_clock;
  const Clock& clock;
  Logger& log;
};

// What one look at the current stage came to.
struct StageOutcome {
  std::vector<Input> inputs;
  int64_t delay_ms = -1;  // when to look again by ourselves, for inputs that wait
  bool blind = false;     // the cluster could not be seen: the time until now does not count

  static StageOutcome Of(Input input) { return {{std::move(input)}, -1, false}; }
};

// The right to delete objects of the instance. Tick makes one for a demolition stage of a verb that
// ends its instance, or of the undo of the verb that made it. Nothing else can.
class Warrant {
 public:
  Warrant(const Warrant&) = delete;
  Warrant& operator=(const Warrant&) = delete;

 private:
  friend class Tick;
  Warrant() = default;
};

// One tick of one operation: look at the current stage, record what follows, as often as it goes
// forward. Level-based: a tick may run at any time and be repeated without harm. It lives on one
// worker; one per instance at a time is the scheduler's promise.
//
// A stage's look goes down: find the engine → ask it about what is observed → apply what it wants →
// judge what it says.
class Tick {
 public:
  Tick(const TickDeps& deps, store::OperationRecord operation, store::InstanceRecord instance,
       std::vector<store::ObjectRecord> inventory);

  // Delay in ms until the next look; negative: only when woken.
  int64_t Run();

  const store::OperationRecord& operation() const { return operation_; }

  // For stages ---------------------------------------------------------------------------------

  const TickDeps& deps() const { return deps_; }

  const store::InstanceRecord& instance() const { return instance_; }

  store::OperationRecord& operation() { return operation_; }

  store::StageRecord& stage() { return operation_.stages.at(operation_.stage); }

  Inventory& inventory() { return inventory_; }

  Json& outputs() { return outputs_; }  // of the instance, as they will be

  store::Change& pending() { return pending_; }  // written with the next commit

  engine::Engine& engine() { return *engine_; }  // after FindEngine

  // The engine that the operation is pinned to; before it is, the instance's own.
  Result<void> FindEngine();
  // Asks the engine about the current stage. An outcome means that there is no answer.
  std::optional<StageOutcome> AskEngine(Answer& answer);
  // Applies what the answer wants; the intent is committed before the first request. Then patches.
  // An outcome means that not everything is done.
  std::optional<StageOutcome> Apply(const Answer& answer);
  // The verdict as an outcome.
  StageOutcome Judge(const engine::Verdict& verdict, std::optional<int64_t> retry_after_ms);
  // Commits what is pending, before something happens that must not be forgotten.
  Result<void> CommitIntent();

 private:
  StageOutcome Look();
  StageOutcome RunStage();
  StageOutcome JudgeLimit(StageOutcome outcome);
  // The stage's time as it is known so far: stages and engines judge by it, saved or not.
  void TakeTime(int64_t unsaved_ms);
  void TimeIsSaved();
  void CountTime(bool blind);
  Result<void> Record(const std::vector<Input>& inputs);
  void TakeInstance();
  bool HasPending() const;
  std::string StageKey() const;
  bool IsTimed() const;

  const TickDeps deps_;
  store::OperationRecord operation_;
  store::InstanceRecord instance_;
  Inventory inventory_;
  Json outputs_;
  std::shared_ptr<engine::Engine> engine_;
  store::Change pending_;     // everything but the operation, its events and the inventory
  int64_t taken_ms_ = 0;      // what of the stage's time in `operation_` is not saved
  bool time_is_due_ = false;  // enough observed time has gathered to be written
};

}  // namespace slipway::pipeline
