#include "pipeline/tick.h"

#include <algorithm>

#include "base/crypto.h"
#include "pipeline/archives.h"
#include "pipeline/drills.h"
#include "pipeline/effects.h"
#include "pipeline/failures.h"
#include "pipeline/verbs.h"
#include "secrets/generated.h"

namespace slipway::pipeline {
namespace {

using store::OperationState;

constexpr int kAdvancesATick = 12;
constexpr int64_t kStoreRetryMs = 1000, kCacheLookMs = 100;
constexpr size_t kMostObjects = 1000;  // of one instance
// Where a generated secret is sealed to: no credential is called that.
constexpr char kGeneratedPrefix[] = "generated/";

bool IsWaiting(const Input& input) {
  return std::holds_alternative<StageWaits>(input) || std::holds_alternative<StageRetries>(input);
}

bool WaitsForEngine(const store::StageRecord& stage) {
  return stage.waiting_for && stage.waiting_for->kind == "Engine";
}

// The instance's secrets of those names; the new ones go into the change, to be stored before any
// object that holds them goes out.
Result<std::map<std::string, secrets::SecretText>> MakeOrOpen(
    const TickDeps& deps, const store::InstanceRecord& instance,
    const std::map<std::string, size_t>& lengths, store::Change& change) {
  std::map<std::string, secrets::SecretText> values;
  if (lengths.empty()) return values;
  TRY(const auto stored, deps.store.Generated(instance.id));
  for (const store::GeneratedRecord& record : stored) {
    TRY(auto opened, deps.vault.Open(instance.organization, instance.id, record.data_key,
                                     {{kGeneratedPrefix + record.name, record.sealed}}));
    values[record.name] = std::move(opened.front().second);
  }
  for (const auto& [name, length] : lengths) {
    if (values.count(name) != 0) continue;
    secrets::Fields made;
    made.emplace_back(kGeneratedPrefix + name, secrets::SecretText(RandomAlnum(length)));
    auto sealed = deps.vault.Seal(instance.organization, instance.id, made);
    change.generated.push_back(
        {name, std::move(sealed.data_key), std::move(sealed.credentials.front().sealed)});
    values[name] = std::move(made.front().second);
  }
  return values;
}

// Does the engine say of its kind that such objects end by themselves?
bool IsTransient(const Json& description, const store::ObjectRecord& record) {
  const auto& kinds = description["transient"].items();
  return std::find(kinds.begin(), kinds.end(), Json(record.api_version + "/" + record.kind)) !=
         kinds.end();
}

bool IsObserved(const Json& observed, const store::ObjectRecord& record) {
  return std::any_of(observed.items().begin(), observed.items().end(), [&](const Json& object) {
    return store::SameObject(RecordOf(object), record);
  });
}

}  // namespace

// Load ----------------------------------------------------------------------------------------

Tick::Tick(const TickDeps& deps, store::OperationRecord operation, store::InstanceRecord instance,
           std::vector<store::ObjectRecord> inventory)
    : deps_(deps),
      operation_(std::move(operation)),
      instance_(std::move(instance)),
      inventory_(std::move(inventory)),
      outputs_(Json::ParseObject(instance_.outputs)) {}

int64_t Tick::Run() {
  for (int advance = 0; advance < kAdvancesATick; ++advance) {
    if (operation_.state == OperationState::kBlocked && !operation_.cancel_asked) return -1;
    deps_.stage_clock.Begin(instance_.id, StageKey());
    TakeTime(deps_.stage_clock.Unsaved(instance_.id));
    StageOutcome outcome = Look();
    CountTime(outcome.blind);
    outcome = JudgeLimit(std::move(outcome));
    if (auto recorded = Record(outcome.inputs); !recorded) {
      if (recorded.error().reason == "FenceLost") {
        deps_.log.Info("op.fence_lost", {{"op", operation_.id}});
        return 0;  // the new owner was woken; see what there is now
      }
      deps_.log.Error("store.commit_failed",
                      {{"op", operation_.id}, {"reason", recorded.error().message}});
      return kStoreRetryMs;
    }
    if (store::IsTerminal(operation_.state)) {
      deps_.stage_clock.Forget(instance_.id);
      return 0;  // one more look: at the instance, or at its next operation
    }
    if (!IsWaiting(outcome.inputs.back())) continue;
    int64_t delay_ms = outcome.delay_ms;
    if (IsTimed() && !outcome.blind) {
      const int64_t left = deps_.options.StageTimeoutMs(stage().name) - stage().spent_ms;
      delay_ms = std::clamp<int64_t>(left + 1, 1, std::max<int64_t>(delay_ms, 1));
    }
    deps_.stage_clock.End(instance_.id, StageKey(), delay_ms);
    return delay_ms;
  }
  return 0;
}

StageOutcome Tick::Look() {
  if (operation_.state == OperationState::kPending) return StageOutcome::Of(Started{});
  if (operation_.cancel_asked && MayBeTakenBack(operation_)) return StageOutcome::Of(CancelAsked{});
  if (stage().state == store::StageState::kPending) return StageOutcome::Of(Resumed{});
  return RunStage();
}

StageOutcome Tick::RunStage() {
  const VerbPolicy& policy = PolicyOf(operation_.verb);
  const store::StageRecord& record = stage();
  const bool may_delete =
      record.rollback ? policy.after_failure == AfterFailure::kUndo : policy.demolishes;
  if (const DemolitionDef* demolition = FindDemolition(record.name); demolition && may_delete)
    return demolition->run(*this, Warrant());
  if (const StageDef* def = FindStage(policy, record.name);
      def != nullptr && (!record.rollback || def->reverts))
    return def->run(*this);
  return StageOutcome::Of(
      StageBlocks{{Code::kInternal, "StageUnknown",
                   "this host has no stage " + record.name + " of verb " + operation_.verb}});
}

// Time ----------------------------------------------------------------------------------------

std::string Tick::StageKey() const {
  return operation_.id + "/" + std::to_string(operation_.stage);
}

bool Tick::IsTimed() const {
  const auto& record = operation_.stages.at(operation_.stage);
  return (record.rollback || PolicyOf(operation_.verb).timed || MayFailNow(operation_)) &&
         !WaitsForEngine(record);
}

void Tick::TakeTime(int64_t unsaved_ms) {
  stage().spent_ms += unsaved_ms - taken_ms_;
  taken_ms_ = unsaved_ms;
}

void Tick::TimeIsSaved() {
  deps_.stage_clock.Saved(instance_.id);
  taken_ms_ = 0;
}

void Tick::CountTime(bool blind) {
  const int64_t unsaved = deps_.stage_clock.Settle(instance_.id, blind);
  TakeTime(unsaved);
  // A restart loses what is not written, a tenth of the limit at most.
  const int64_t enough = std::max<int64_t>(1000, deps_.options.StageTimeoutMs(stage().name) / 10);
  time_is_due_ = unsaved >= enough && IsTimed();
}

// Looked first, judged afterwards: a stage that is ready is never late.
StageOutcome Tick::JudgeLimit(StageOutcome outcome) {
  if (outcome.blind || outcome.inputs.empty() || !IsWaiting(outcome.inputs.back())) return outcome;
  const int64_t limit = deps_.options.StageTimeoutMs(stage().name);
  if (!IsTimed() || stage().spent_ms <= limit) return outcome;
  // What this look waits for is what the failure names.
  store::StageRecord judged = stage();
  std::visit(
      [&](const auto& input) {
        if constexpr (requires { input.waiting_for; }) {
          if (input.waiting_for) judged.waiting_for = input.waiting_for;
        }
      },
      outcome.inputs.back());
  if (WaitsForEngine(judged)) return outcome;
  if (judged.rollback) operation_.remnants = inventory_.ToJson();
  outcome.inputs.emplace_back(StageFails{DeadlineExceeded(judged, limit)});
  return outcome;
}

// Ask -----------------------------------------------------------------------------------------

Result<void> Tick::FindEngine() {
  if (engine_) return {};
  if (operation_.engine_sha256.empty()) {
    TRY(engine_, deps_.engines.ForName(instance_.engine));
  } else {
    TRY(engine_, deps_.engines.ForSha(operation_.engine, operation_.engine_sha256));
  }
  deps_.observer.EnsureWatches(engine_->description()["watches"]);
  return {};
}

std::optional<StageOutcome> Tick::AskEngine(Answer& answer) {
  if (auto found = FindEngine(); !found) return FromEngineError(*this, found.error());
  engine::StepInput input;
  if (auto filled = FillFrom(operation_, input); !filled)
    return StageOutcome::Of(StageFails{filled.error()});
  input.verb = EngineVerb(PolicyOf(operation_.verb), stage().name);
  input.stage = stage().name;
  input.attempt = stage().attempts + 1;
  input.now_ms = deps_.clock.NowMs();
  input.stage_started_ms =
      input.now_ms - stage().spent_ms;  // so that a difference is observed time
  input.instance = FactsOf(instance_);
  input.inventory = inventory_.Lines();
  AskFailure failure;
  if (pipeline::Ask({deps_.cluster, deps_.observer}, *engine_, input, answer, failure))
    return std::nullopt;
  switch (failure.side) {
    case AskFailure::Side::kEngine:
      return FromEngineError(*this, failure.error);
    case AskFailure::Side::kCluster:
      return FromClusterError(*this, failure.error);
    case AskFailure::Side::kCache: {
      StageOutcome out =
          Waits({"APIServer", "", "", failure.error.reason, 0, failure.error.message},
                failure.error.reason, failure.error.message, kCacheLookMs);
      out.blind = true;
      return out;
    }
  }
  return std::nullopt;
}

// Apply ---------------------------------------------------------------------------------------

Result<void> Tick::CommitIntent() {
  store::Change change = std::exchange(pending_, {});
  inventory_.MoveChangesTo(change);
  change.operation = operation_;
  TRY_VOID(deps_.store.Commit(std::move(change)));
  ++operation_.revision;
  TimeIsSaved();
  return {};
}

std::optional<StageOutcome> Tick::Apply(const Answer& answer) {
  const Json& description = engine_->description();
  // An operator writes its defaults into the spec. A caller who changes the spec means them, too.
  const EffectScope scope{instance_, engine_->name(), description["applies"],
                          description["patches"], PolicyOf(operation_.verb).changes_spec};
  const auto objects = GuardApply(scope, answer.result.effects);
  if (!objects) return StageOutcome::Of(StageFails{objects.error()});
  const auto patches =
      GuardPatches(scope, answer.result.effects, answer.observed, inventory_.records());
  if (!patches) return StageOutcome::Of(StageFails{patches.error()});
  std::vector<std::pair<const Json*, std::string>> todo;  // object, sha256
  bool new_intent = false;
  for (const Json& object : *objects) {
    store::ObjectRecord record = RecordOf(object);
    std::string sha = Sha256Hex(object.Dump());
    const store::ObjectRecord* known = inventory_.Find(record);
    const bool lost = known != nullptr && deps_.observer.Watches(record.api_version, record.kind) &&
                      !IsObserved(answer.observed, record);
    const bool applied = known != nullptr && known->applied_sha256 == sha && !known->uid.empty();
    if (applied && !lost) continue;
    if (known == nullptr) {
      if (inventory_.records().size() >= kMostObjects)
        return StageOutcome::Of(
            StageFails{{Code::kExhausted, "TooManyObjects",
                        "the engine applies more than " + std::to_string(kMostObjects) +
                            " objects for one instance"}});
      record.uid.clear();
      record.order = static_cast<int64_t>(inventory_.records().size()) + 1;
      record.passing = IsTransient(description, record);
      inventory_.Put(record);
      new_intent = true;
    }
    todo.emplace_back(&object, std::move(sha));
  }
  std::map<std::string, size_t> lengths;
  for (const auto& [object, sha] : todo) {
    if (auto collected = secrets::CollectGenerated(*object, lengths); !collected)
      return StageOutcome::Of(StageFails{collected.error()});
  }
  const auto generated = MakeOrOpen(deps_, instance_, lengths, pending_);
  if (!generated) return FromClusterError(*this, generated.error());
  if (new_intent || !pending_.generated.empty()) {
    // Known before it exists: a crash between here and the apply leaves nothing unknown behind.
    if (auto committed = CommitIntent(); !committed)
      return FromClusterError(*this, committed.error());
  }
  for (const auto& [object, sha] : todo) {
    store::ObjectRecord record = *inventory_.Find(RecordOf(*object));
    const auto uid =
        ApplyObject(deps_.cluster, scope, secrets::WithGenerated(*object, *generated), record.uid);
    if (!uid) {
      // An object of somebody else was never ours to delete.
      if (uid.error().reason == "ObjectNotOurs") inventory_.Erase(record);
      return FromClusterError(*this, uid.error());
    }
    record.uid = *uid;
    record.applied_sha256 = sha;
    inventory_.Put(record);
  }
  for (const GuardedPatch& patch : *patches) {
    auto patched =
        deps_.cluster.Patch(patch.ref, kube::PatchType::kMerge, patch.body, patch.subresource);
    if (!patched) return FromClusterError(*this, patched.error());
  }
  return std::nullopt;
}

// Judge ---------------------------------------------------------------------------------------

StageOutcome Tick::Judge(const engine::Verdict& verdict, std::optional<int64_t> retry_after_ms) {
  using State = engine::Verdict::State;
  std::optional<store::WaitingFor> waiting_for;
  if (const auto& w = verdict.waiting_for)
    waiting_for = store::WaitingFor{w->kind, w->ns, w->name, w->reason};
  const StageWaits waits{waiting_for, verdict.reason, verdict.message};
  const Error error{Code::kPrecondition, verdict.reason, verdict.message};
  switch (verdict.state) {
    case State::kReady:
      return StageOutcome::Of(StageReady{verdict.message});
    case State::kSkipped:
      return StageOutcome::Of(StageSkipped{verdict.reason, verdict.message});
    case State::kFailed:
      return {{waits, StageFails{error}}, -1, false};
    case State::kBlocked:
      return {{waits, StageBlocks{error}}, -1, false};
    case State::kProgressing:
      break;
  }
  const int64_t asked = retry_after_ms.value_or(kResyncMs);
  return {{waits}, std::clamp<int64_t>(asked, 50, kResyncMs), false};
}

// Record --------------------------------------------------------------------------------------

bool Tick::HasPending() const {
  return inventory_.HasChanges() || !pending_.credentials.empty() || !pending_.generated.empty() ||
         pending_.data_key || pending_.instance || pending_.proof || pending_.erase_credentials ||
         !pending_.forget_namespace.empty() || !pending_.backups.backups.empty() ||
         pending_.backups.is_complete;
}

Result<void> Tick::Record(const std::vector<Input>& inputs) {
  bool changed = HasPending() || time_is_due_;
  store::OperationRecord operation = operation_;
  std::vector<store::EventRecord> events;
  for (const Input& input : inputs) {
    Outcome outcome = Transition(std::move(operation), input, deps_.clock.NowMs());
    operation = std::move(outcome.operation);
    changed = changed || outcome.changed;
    std::move(outcome.events.begin(), outcome.events.end(), std::back_inserter(events));
  }
  operation_ = std::move(operation);
  TakeInstance();
  if (store::IsTerminal(operation_.state)) pending_.proof = ProofOf(operation_);
  if (!changed && !pending_.instance) return {};
  for (const auto& event : events) {
    deps_.log.Info(event.type, {{"op", operation_.id},
                                {"instance", instance_.id},
                                {"engine", operation_.engine},
                                {"data", event.data}});
  }
  store::Change change = std::exchange(pending_, {});
  inventory_.MoveChangesTo(change);
  change.operation = operation_;
  change.events = std::move(events);
  const std::optional<store::InstanceChange> instance = change.instance;
  TRY_VOID(deps_.store.Commit(std::move(change)));
  TimeIsSaved();
  time_is_due_ = false;
  if (instance) {
    instance_.state = instance->state;
    instance_.reason = instance->reason;
    instance_.message = instance->message;
    if (instance->outputs) instance_.outputs = *instance->outputs;
    if (instance->spec) instance_.spec = *instance->spec;
  }
  return {};
}

// What a user sees of the instance follows from its operation.
void Tick::TakeInstance() {
  std::optional<store::InstanceChange> change = InstanceAfter(operation_, instance_);
  if (change && change->deleted) {
    pending_.erase_credentials = true;
    pending_.archive_expires_ms =
        ArchiveExpiry(operation_, instance_, deps_.options.backup_stores, deps_.clock.NowMs());
  }
  std::string outputs = outputs_.Dump();
  if (outputs != instance_.outputs) {
    if (!change)
      change = store::InstanceChange{instance_.state, instance_.reason, instance_.message,
                                     std::nullopt,    std::nullopt,     false};
    change->outputs = std::move(outputs);
  }
  if (change) pending_.instance = std::move(change);
}

}  // namespace slipway::pipeline
