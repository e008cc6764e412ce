#include "pipeline/service.h"

#include <algorithm>

#include "base/backoff.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "pipeline/archive_keeper.h"
#include "pipeline/archives.h"
#include "pipeline/drill_keeper.h"
#include "pipeline/drills.h"
#include "pipeline/runner.h"
#include "pipeline/scheduler.h"
#include "pipeline/store_watch.h"
#include "pipeline/verbs.h"
#include "pipeline/volumes.h"

namespace slipway::pipeline {
namespace {

constexpr int64_t kDebounceMs = 20;

std::vector<std::string> LanesOf(const std::string& engine, const std::string& organization) {
  return {"engine " + engine, "organization " + organization};
}

store::AuditRecord AuditOf(const Actor& actor, std::string action) {
  store::AuditRecord out;
  out.actor = actor.name;
  out.request_id = actor.request_id;
  out.action = std::move(action);
  return out;
}

}  // namespace

struct Service::Impl {
  PipelineOptions options;
  engine::Catalog& engines;
  kube::Cluster& cluster;
  store::Store& store;
  const Clock& clock;
  Logger& log;
  secrets::Vault vault;
  Observer observer;
  StageClock stage_clock;
  Runner runner;
  Metrics::Gauge waiting, cache_bytes;
  std::atomic<bool> was_troubled{false};
  StoreWatch store_watch;
  ArchiveKeeper archive_keeper;
  DrillKeeper drill_keeper;
  std::unique_ptr<Scheduler> scheduler;  // last: its threads use all of the above

  Impl(PipelineOptions o, secrets::MasterKeys keys, engine::Catalog& e, kube::Cluster& c,
       Observer::WatchFn watch, store::Store& s, const Clock& k, Logger& l, Metrics& m)
      : options(std::move(o)),
        engines(e),
        cluster(c),
        store(s),
        clock(k),
        log(l),
        vault(std::move(keys)),
        observer(std::move(watch), [this](const std::string& id) { Wake(id, kDebounceMs); }),
        stage_clock(clock),
        runner(TickDeps{options, vault, engines, cluster, store, observer, stage_clock, clock, log},
               m),
        store_watch(options.backup_stores, l, m),
        archive_keeper(options.backup_stores, store, clock, l, m),
        drill_keeper(
            options.backup_stores, store,
            [this](const store::InstanceRecord& source) { return StartDrill(source); }, clock, l,
            m) {
    waiting = m.GetGauge("slipway_scheduler_entries", "Instances with a wake-up.");
    cache_bytes = m.GetGauge("slipway_cache_bytes", "Bytes of cached cluster objects.");
    SchedulerOptions threads;
    threads.workers = options.workers;
    scheduler = std::make_unique<Scheduler>(
        threads, clock, [this](const std::string& id) { return runner.Look(id); },
        [this](const std::string& id, const std::string& lane) { runner.TellHeld(id, lane); },
        [this] { Beat(); });
  }

  void Wake(const std::string& instance_id, int64_t delay_ms) {
    if (scheduler) scheduler->Wake(instance_id, delay_ms);
  }

  void Wake(const store::InstanceRecord& instance) {
    scheduler->Wake(instance.id, 0, LanesOf(instance.engine, instance.organization));
  }

  // Every live operation at once, every other instance within `spread_ms`.
  Result<void> WakeAll(int64_t spread_ms) {
    for (const bool live : {true, false}) {
      TRY(const auto keys, store.InstanceKeys(live));
      for (const auto& key : keys)
        scheduler->Wake(key.id, live ? 0 : Jitter(spread_ms + 1),
                        LanesOf(key.engine, key.organization));
    }
    return {};
  }

  // Once a second: figures, and a look at everything when an outage is over.
  void Beat() {
    waiting.Set(static_cast<double>(scheduler->waiting()));
    cache_bytes.Set(static_cast<double>(observer.Bytes()));
    const bool troubled = observer.Troubled();
    if (was_troubled.exchange(troubled) && !troubled) {
      log.Info("cluster.seen_again");
      runner.health().WantFullLooks();
      static_cast<void>(WakeAll(options.first_resync_ms));
    }
  }

  void WatchEngines() {
    for (const auto& status : engines.List()) {
      if (status.state != engine::EngineState::kLoaded) continue;
      if (auto engine = engines.ForName(status.name))
        observer.EnsureWatches((*engine)->description()["watches"]);
    }
  }

  store::OperationRecord NewOperation(const OperationRequest& request, const Actor& actor) const {
    store::OperationRecord operation;
    operation.id = NewId("op", clock);
    operation.verb = request.verb;
    operation.instance_id = request.instance_id;
    operation.stages = StagesOf(PolicyOf(request.verb), request.arguments);
    operation.arguments = request.arguments.Dump();
    operation.requested_by = actor.name;
    operation.request_id = actor.request_id;
    operation.created_ms = clock.NowMs();
    return operation;
  }

  Result<store::Submission> Creation(const OperationRequest& request, const Actor& actor,
                                     Findings& findings) const {
    const CreateRequest& wanted = *request.create;
    const std::string id = NewId("ins", clock);
    TRY(Resolved resolved, ResolveCreate(wanted, id, Context(), findings));
    store::Submission out;
    out.operation = NewOperation(request, actor);
    out.operation.arguments = resolved.arguments.Dump();
    out.operation.on_failure = wanted.on_failure;
    out.operation.organization = wanted.organization;
    out.operation.spec = resolved.spec.Dump();
    out.operation.engine = resolved.engine;
    store::InstanceRecord instance;
    instance.id = id;
    instance.organization = wanted.organization;
    instance.project = wanted.project;
    instance.name = resolved.name;
    instance.ns = resolved.ns;
    instance.database_type = wanted.database_type;
    instance.tier = wanted.tier;
    instance.spec = out.operation.spec;
    instance.labels = wanted.labels.Dump();
    instance.engine = resolved.engine;
    instance.deletion_protection = wanted.deletion_protection;
    instance.drill_days = resolved.drill_days;
    instance.seed = HexEncode(RandomBytes(16));
    instance.requested_by = actor.name;
    instance.created_ms = instance.updated_ms = out.operation.created_ms;
    out.operation.instance_id = instance.id;
    out.archive = ArchiveOf(instance);
    out.operation.source = resolved.arguments["source"]["instance"]["id"].AsString();
    if (PolicyOf(request.verb).is_drill) out.most_live = kDrillsAtOnce;
    out.instance = std::move(instance);
    return out;
  }

  // Can the instance's engine do it, and has the instance what the verb needs?
  Result<void> CheckVerb(const OperationRequest& request,
                         const store::InstanceRecord& instance) const {
    const bool ends_with_backup = request.arguments[kFinalBackup].AsBool();
    const VerbPolicy& policy = PolicyOf(ends_with_backup ? "backup" : request.verb);
    if (!policy.plans || policy.ends_instance) return {};
    TRY(const auto engine, engines.ForName(instance.engine));
    const auto& verbs = engine->description()["verbs"].items();
    if (std::find(verbs.begin(), verbs.end(), Json(std::string(policy.engine_verb))) == verbs.end())
      return Error{Code::kUnsupported, "VerbUnsupported",
                   "the engine " + engine->name() + " has no verb " + std::string(policy.name)};
    TRY(const Json spec, Json::Parse(instance.spec));
    if (policy.needs_backup && !spec["backup"].is_object())
      return Error{Code::kConflict, "BackupNotConfigured",
                   "the instance was created without a backup section"};
    if (policy.needs_replica && spec["instances"].AsInt(1) < 2)
      return Error{
          Code::kConflict, "NoReplica",
          "the instance has one member; a " + std::string(policy.name) + " needs another one"};
    if (ends_with_backup && ArchiveOf(instance) &&
        KeptAfterDeleteMs(instance, options.backup_stores) == 0)
      return Error{Code::kInvalid, "FinalBackupNotRetained",
                   "the instance's store keeps no backups of a deleted instance "
                   "(keep_deleted_days: 0)"};
    return {};
  }

  Result<store::Submitted> Submit(const OperationRequest& request, const Actor& actor,
                                  Findings& findings);
  Result<void> StartDrill(const store::InstanceRecord& source);

  Result<store::InstanceRecord> Standing(const std::string& id) const {
    TRY(store::InstanceRecord instance, store.GetInstance(id));
    if (instance.deleted_ms != 0)
      return Error{Code::kNotFound, "InstanceNotFound", "instance " + instance.id + " is deleted"};
    return instance;
  }

  CreateContext Context() const { return {options, engines, store, clock}; }

  // The spec that the update goes to, by the plan that the caller has seen if there is one.
  Result<void> TakeUpdate(const OperationRequest& request, const store::InstanceRecord& instance,
                          store::OperationRecord& operation, Findings& findings) const {
    TRY(const Json spec,
        ResolveUpdate(instance, request.arguments["changes"], Context(), findings));
    if (!request.plan_hash.empty()) {
      TRY(const UpdatePlan plan, PlanUpdate(instance, spec, Context()));
      if (plan.hash != request.plan_hash)
        return Error{Code::kConflict, "PlanStale",
                     "the plan is another one by now: ask for it again with dryRun=true"};
    }
    operation.spec = spec.Dump();
    operation.previous_spec = instance.spec;
    return {};
  }

  Result<store::Submission> OnInstance(const OperationRequest& request, const Actor& actor,
                                       Findings& findings) const {
    TRY(const store::InstanceRecord instance, Standing(request.instance_id));
    store::Submission out;
    out.operation = NewOperation(request, actor);
    out.operation.organization = instance.organization;
    out.operation.spec = instance.spec;
    if (WayBackOf(PolicyOf(request.verb)).empty()) out.operation.on_failure = "RETAIN";
    TRY_VOID(CheckVerb(request, instance));
    // What stands against it is told below, for a request that came before has its operation.
    std::optional<Error> refusal;
    if (PolicyOf(request.verb).changes_spec) {
      if (auto taken = TakeUpdate(request, instance, out.operation, findings); !taken)
        refusal = taken.error();
    }
    if (RetainsVolumes(out.operation)) {
      TRY(const auto engine, engines.ForName(instance.engine));
      if (ClaimsSelector(engine->description(), instance).empty())
        return Error{Code::kUnsupported, "RetainNotSupported",
                     "the engine " + engine->name() + " does not tell how to find its volumes"};
    }
    out.admit = [refusal, wanted = out.operation, expected = request.expected_generation,
                 now = clock.NowMs()](
                    const store::InstanceRecord& current,
                    const store::OperationRecord* live) -> Result<store::Admission> {
      if (refusal) return *refusal;
      if (expected != 0 && expected != current.generation)
        return Error{Code::kPrecondition, "EtagMismatch",
                     "the instance was changed since it was read"};
      if (PolicyOf(wanted.verb).ends_instance && current.deletion_protection)
        return Error{Code::kPrecondition, "DeletionProtected",
                     "deletionProtection is on; clear it first with PATCH "
                     "{\"deletionProtection\": false}"};
      TRY(store::Admission admission, Admit(wanted, current, live, now));
      if (PolicyOf(wanted.verb).changes_spec && current.spec != wanted.previous_spec)
        return Error{Code::kPrecondition, "EtagMismatch",
                     "the instance was changed while the request was looked at"};
      if (admission.join && HasFinalBackup(wanted) && !HasFinalBackup(*live))
        return Error{Code::kConflict, "OperationInProgress",
                     "a delete without a final backup is running"}
            .At(live->id);
      if (!admission.join && HasFinalBackup(wanted) && current.state != "ACTIVE" &&
          current.state != "DEGRADED")
        return Error{Code::kConflict, "WrongState",
                     "the instance is " + current.state +
                         "; only one that is ACTIVE or DEGRADED can have a final backup"};
      if (admission.join && RetainsVolumes(wanted) && !RetainsVolumes(*live))
        return Error{Code::kConflict, "OperationInProgress",
                     "a delete that does not retain the volumes is running"}
            .At(live->id);
      const std::optional<bool> retains = RetainsBackups(wanted);
      if (admission.join && retains && *retains != RetainsBackups(*live).value_or(true))
        return Error{Code::kConflict, "OperationInProgress",
                     std::string("a delete that ") + (*retains ? "removes" : "retains") +
                         " the backups is running"}
            .At(live->id);
      return admission;
    };
    return out;
  }
};

Service::Service(PipelineOptions options, secrets::MasterKeys keys, engine::Catalog& engines,
                 kube::Cluster& cluster, Observer::WatchFn watch, store::Store& store,
                 const Clock& clock, Logger& log, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(keys), engines, cluster,
                                   std::move(watch), store, clock, log, metrics)) {}

Service::~Service() {
  Stop();
}

Result<void> Service::Start() {
  impl_->scheduler->Start();
  impl_->store_watch.Start();
  impl_->archive_keeper.Start();
  impl_->drill_keeper.Start();
  impl_->WatchEngines();
  TRY(const int64_t live, impl_->store.ClaimLive());
  impl_->log.Info("ops.resumed", {{"operations", live}});
  return impl_->WakeAll(impl_->options.first_resync_ms);
}

void Service::Stop() {
  if (!impl_) return;
  impl_->drill_keeper.Stop();
  impl_->scheduler->Stop();  // a tick blocks for the client's deadline at most
  impl_->observer.Stop();
  impl_->store_watch.Stop();
  impl_->archive_keeper.Stop();
}

void Service::EnginesChanged() {
  impl_->WatchEngines();
  if (auto woken = impl_->WakeAll(impl_->options.first_resync_ms); !woken)
    impl_->log.Error("store.read_failed", {{"reason", woken.error().message}});
}

Result<store::Submitted> Service::Submit(const OperationRequest& request, const Actor& actor,
                                         Findings& findings) {
  return impl_->Submit(request, actor, findings);
}

Result<store::Submitted> Service::Impl::Submit(const OperationRequest& request, const Actor& actor,
                                               Findings& findings) {
  const VerbPolicy& policy = PolicyOf(request.verb);
  const bool has_source = request.create && request.create->source.is_object();
  if (policy.stages.empty() || policy.makes_instance != request.create.has_value() ||
      policy.needs_source != has_source)
    return Error{Code::kUnsupported, "VerbUnknown", "there is no verb " + request.verb};
  TRY(store::Submission submission, policy.makes_instance ? Creation(request, actor, findings)
                                                          : OnInstance(request, actor, findings));
  submission.idempotency = request.idempotency;
  submission.audit = AuditOf(actor, "instance." + request.verb);
  submission.audit.data =
      Json::Obj({{"operationId", submission.operation.id}, {"arguments", request.arguments}})
          .Dump();
  TRY(store::Submitted submitted, store.Submit(std::move(submission)));
  if (!submitted.superseded.empty())
    log.Info("op.superseded", {{"op", submitted.superseded}, {"by", submitted.operation.id}});
  Wake(submitted.instance);
  return submitted;
}

Result<UpdatePlan> Service::Preview(const std::string& instance_id, const Json& changes,
                                    Findings& findings) {
  OperationRequest request;
  request.verb = VerbsWith(&VerbPolicy::changes_spec).front();
  TRY(const store::InstanceRecord instance, impl_->Standing(instance_id));
  TRY_VOID(impl_->CheckVerb(request, instance));
  TRY(const Json spec, ResolveUpdate(instance, changes, impl_->Context(), findings));
  TRY(UpdatePlan plan, PlanUpdate(instance, spec, impl_->Context()));
  plan.warnings = findings.warnings;
  return plan;
}

Result<void> Service::Impl::StartDrill(const store::InstanceRecord& source) {
  OperationRequest request;
  request.verb = VerbsWith(&VerbPolicy::is_drill).front();
  request.create = DrillOf(source, Json::MakeObject());
  Findings findings;
  auto submitted = Submit(request, {"slipway", ""}, findings);
  if (!submitted) return findings.problems.empty() ? submitted.error() : findings.problems.front();
  return {};
}

Result<store::Submitted> Service::Cancel(const std::string& operation_id, const Actor& actor,
                                         std::optional<store::IdempotencyKey> idempotency) {
  const int64_t now = impl_->clock.NowMs();
  TRY(store::Submitted asked,
      impl_->store.Edit(
          operation_id,
          [now](const store::OperationRecord& operation, const store::InstanceRecord&,
                const store::OperationRecord*) { return pipeline::Cancel(operation, now); },
          std::move(idempotency), AuditOf(actor, "operation.cancel")));
  impl_->Wake(asked.instance);
  return asked;
}

Result<store::Submitted> Service::Retry(const std::string& operation_id, const Actor& actor,
                                        std::optional<store::IdempotencyKey> idempotency) {
  TRY(const store::OperationRecord before, impl_->store.GetOperation(operation_id));
  // A version that cannot go on hands over to one that says it carries on its plans.
  std::optional<EnginePin> pin;
  if (!before.engine_sha256.empty() &&
      !impl_->engines.ForSha(before.engine, before.engine_sha256)) {
    if (auto heir = impl_->engines.SuccessorOf(before.engine, before.engine_version))
      pin = EnginePin{(*heir)->version(), (*heir)->sha256()};
  }
  const int64_t now = impl_->clock.NowMs();
  TRY(store::Submitted asked,
      impl_->store.Edit(
          operation_id,
          [pin, now](const store::OperationRecord& operation, const store::InstanceRecord& instance,
                     const store::OperationRecord* live) {
            return pipeline::Retry(operation, instance, live, pin, now);
          },
          std::move(idempotency), AuditOf(actor, "operation.retry")));
  impl_->Wake(asked.instance);
  return asked;
}

Result<store::InstanceRecord> Service::Patch(const InstancePatch& patch, const Actor& actor) {
  store::AuditRecord audit = AuditOf(actor, "instance.patch");
  Json data = Json::MakeObject();
  if (patch.deletion_protection) data.Set("deletionProtection", *patch.deletion_protection);
  if (patch.labels) {
    auto labels = Json::Parse(*patch.labels);
    if (labels) data.Set("labels", *std::move(labels));
  }
  audit.data = data.Dump();
  return impl_->store.PatchInstance(patch.instance_id, patch.expected_generation,
                                    patch.deletion_protection, patch.labels, audit);
}

Result<secrets::Fields> Service::Credentials(const std::string& instance_id, const Actor& actor) {
  TRY_VOID(impl_->runner.health().FollowCredentials(instance_id));
  TRY(const store::InstanceRecord instance, impl_->store.GetInstance(instance_id));
  TRY(const store::SealedCredentials sealed, impl_->store.Credentials(instance_id));
  if (!sealed.data_key || sealed.values.empty()) {
    if (instance.state == "ACTIVE" || instance.state == "DEGRADED")
      return Error{Code::kNotFound, "NoCredentials",
                   "the engine " + instance.engine + " names no credentials for this instance"};
    return Error{Code::kPrecondition, "NoCredentialsYet",
                 "the instance has no credentials yet; its state is " + instance.state};
  }
  // Recorded before it is handed out: nobody reads a secret without a trace.
  store::AuditRecord audit = AuditOf(actor, "credentials.read");
  audit.target_kind = "Instance";
  audit.target_id = instance_id;
  audit.organization = instance.organization;
  TRY_VOID(impl_->store.Audit(std::move(audit)));
  return impl_->vault.Open(instance.organization, instance_id, *sealed.data_key, sealed.values);
}

std::vector<Check> Service::Checks() {
  std::vector<Check> out;
  const auto add = [&](const char* name, const Result<void>& result) {
    out.push_back({name, static_cast<bool>(result),
                   result ? "" : result.error().reason + ": " + result.error().message});
  };
  add("store", impl_->store.Ping());
  add("cluster", impl_->cluster.Ping());
  const auto engines = impl_->engines.List();
  const bool any = std::any_of(engines.begin(), engines.end(), [](const auto& e) {
    return e.state == engine::EngineState::kLoaded;
  });
  out.push_back({"engines", any, any ? "" : "no engine is loaded"});
  const bool synced = impl_->observer.Synced();
  out.push_back({"watches", synced, synced ? "" : "not every watched kind has been listed yet"});
  for (const auto& [store, error] : impl_->store_watch.States())
    out.push_back({"backupStore " + store, !error.has_value(),
                   error ? error->reason + ": " + error->message : "", false});
  return out;
}

const std::vector<Tier>& Service::tiers() const {
  return impl_->options.tiers;
}

}  // namespace slipway::pipeline
