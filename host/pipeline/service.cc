#include "pipeline/service.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/ids.h"
#include "pipeline/observer.h"
#include "pipeline/runner.h"
#include "pipeline/scheduler.h"
#include "pipeline/stages.h"
#include "pipeline/vault.h"
#include "pipeline/volumes.h"

namespace slipway::pipeline {
namespace {

constexpr int64_t kDebounceMs = 20;

Error Problem(std::string field, std::string reason, std::string message) {
  return {Code::kInvalid, std::move(reason), std::move(message), std::move(field)};
}

std::string Join(const std::vector<Tier>& tiers) {
  std::string out;
  for (const Tier& tier : tiers) out += (out.empty() ? "" : ", ") + tier.name;
  return out;
}

}  // namespace

int64_t PipelineOptions::StageTimeoutMs(const std::string& stage) const {
  auto it = stage_timeout_ms.find(stage);
  if (it == stage_timeout_ms.end()) it = stage_timeout_ms.find("");
  return it != stage_timeout_ms.end() ? it->second : 600'000;
}

struct Service::Impl {
  PipelineOptions options;
  engine::Registry& engines;
  kube::Client& cluster;
  store::Store& store;
  const Clock& clock;
  Logger& log;
  Vault vault;
  Observer observer;
  Runner runner;
  Metrics::Gauge waiting, cache_bytes;
  std::unique_ptr<Scheduler> scheduler;  // last: its threads use all of the above

  Impl(PipelineOptions o, MasterKeys keys, engine::Registry& e, kube::Client& c, store::Store& s,
       const Clock& k, Logger& l, Metrics& m)
      : options(std::move(o)),
        engines(e),
        cluster(c),
        store(s),
        clock(k),
        log(l),
        vault(std::move(keys)),
        observer(
            [this](kube::InformerSpec spec, kube::Informer::OnChange change) {
              return cluster.Watch(std::move(spec), std::move(change));
            },
            [this](const std::string& id) { Wake(id, kDebounceMs); }),
        runner(TickDeps{options, vault, engines, cluster, store, observer, clock, log, m}) {
    waiting = m.GetGauge("slipway_scheduler_entries", "Instances with a wake-up.");
    cache_bytes = m.GetGauge("slipway_cache_bytes", "Bytes of cached cluster objects.");
    scheduler = std::make_unique<Scheduler>(
        options.workers, clock, [this](const std::string& id) { return runner.Tick(id); });
  }

  // Watch callbacks may come before the scheduler is there.
  void Wake(const std::string& instance_id, int64_t delay_ms) {
    if (scheduler) scheduler->Wake(instance_id, delay_ms);
  }

  void WatchEngines() {
    for (const auto& status : engines.List()) {
      if (status.state != engine::EngineState::kLoaded) continue;
      if (auto engine = engines.ForType(status.database_type))
        observer.EnsureWatches((*engine)->description()["watches"]);
    }
  }

  store::OperationRecord NewOperation(const std::string& verb, const std::string& requested_by,
                                      const std::string& request_id) const {
    store::OperationRecord operation;
    operation.id = NewId("op", clock);
    operation.verb = verb;
    operation.stages = StagesOf(verb);
    operation.requested_by = requested_by;
    operation.request_id = request_id;
    operation.created_ms = clock.NowMs();
    return operation;
  }
};

Service::Service(PipelineOptions options, MasterKeys keys, engine::Registry& engines,
                 kube::Client& cluster, store::Store& store, const Clock& clock, Logger& log,
                 Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(keys), engines, cluster, store,
                                   clock, log, metrics)) {}

Service::~Service() {
  Stop();
}

Result<void> Service::Start() {
  impl_->WatchEngines();
  TRY(const auto live, impl_->store.ClaimLive());
  for (const auto& [instance_id, operation_id] : live) {
    impl_->log.Info("op.resumed", {{"op", operation_id}, {"instance", instance_id}});
    impl_->Wake(instance_id, 0);
  }
  return {};
}

void Service::Stop(int64_t /*drain_ms*/) {
  if (!impl_) return;
  impl_->scheduler->Stop();  // a tick blocks for the client's deadline at most
  impl_->observer.Stop();
}

void Service::EnginesChanged() {
  impl_->WatchEngines();
  store::OperationFilter filter;
  filter.limit = 10'000;
  if (const auto all = impl_->store.ListOperations(filter)) {
    for (const auto& operation : *all) {
      if (!store::IsTerminal(operation.state)) impl_->Wake(operation.instance_id, 0);
    }
  }
}

Result<store::Submitted> Service::Create(const CreateRequest& request, std::vector<Error>* problems,
                                         std::vector<Warning>* warnings) {
  std::vector<Error> found;
  const std::string name = request.name.empty() ? request.project : request.name;
  const std::string ns = request.organization + "-" + request.project;
  if (!IsDnsLabel(request.organization))
    found.push_back(
        Problem("/orgId", "InvalidName",
                "must be a lower-case DNS label of at most 63 characters: a-z, 0-9 and - inside"));
  if (!IsDnsLabel(request.project))
    found.push_back(
        Problem("/projectName", "InvalidName",
                "must be a lower-case DNS label of at most 63 characters: a-z, 0-9 and - inside"));
  if (!request.name.empty() && !IsDnsLabel(request.name))
    found.push_back(
        Problem("/name", "InvalidName", "must be a lower-case DNS label of at most 63 characters"));
  if (found.empty() && ns.size() > 63) {
    found.push_back(Problem("/projectName", "NameTooLong",
                            "the namespace " + ns + " would have " + std::to_string(ns.size()) +
                                " characters, 63 are allowed for {orgId}-{projectName}"));
  }
  if (request.on_failure != "ROLLBACK" && request.on_failure != "RETAIN")
    found.push_back(Problem("/onFailure", "InvalidValue", "must be ROLLBACK or RETAIN"));
  const auto tier = std::find_if(impl_->options.tiers.begin(), impl_->options.tiers.end(),
                                 [&](const Tier& t) { return t.name == request.tier; });
  if (tier == impl_->options.tiers.end())
    found.push_back(
        Problem("/tier", "UnknownTier",
                Json::Quote(request.tier) + " is not one of " + Join(impl_->options.tiers)));
  auto engine = impl_->engines.ForType(request.database_type);
  if (!engine) {
    Error error = engine.error();
    if (error.code != Code::kUnsupported) return error;
    error.field = "/databaseType";
    error.code = Code::kInvalid;
    found.push_back(std::move(error));
  } else {
    const int64_t limit = (*engine)->description()["name_limit"].AsInt(63);
    if (IsDnsLabel(name) && static_cast<int64_t>(name.size()) > limit) {
      found.push_back(Problem(request.name.empty() ? "/projectName" : "/name", "NameTooLong",
                              "the name of a " + request.database_type + " instance may have " +
                                  std::to_string(limit) + " characters, this one has " +
                                  std::to_string(name.size())));
    }
  }

  Json spec;
  if (engine && tier != impl_->options.tiers.end()) {
    spec = Json::Obj({{"tier", tier->name},
                      {"instances", tier->instances},
                      {"storage", tier->storage},
                      {"memory", tier->memory},
                      {"cpu", tier->cpu},
                      {"pod_monitor", tier->pod_monitor},
                      {"parameters", request.parameters},
                      {"backup", request.backup}});
    std::vector<Error> failures;
    auto normal =
        (*engine)->Validate(Json::Obj({{"schema", 1},
                                       {"verb", "create"},
                                       {"instance", Json::Obj({{"name", name}, {"namespace", ns}})},
                                       {"spec", spec},
                                       {"previous", nullptr}}),
                            &failures);
    if (!normal) {
      if (normal.error().code != Code::kInvalid && normal.error().code != Code::kUnsupported)
        return std::move(normal).error();
      if (failures.empty()) failures.push_back(normal.error());
      for (Error& failure : failures) {
        // Of a name that is too long the engine knows why.
        if (failure.field == "/name") {
          if (request.name.empty()) failure.field = "/projectName";
          std::erase_if(found, [&](const Error& other) {
            return other.field == failure.field && other.reason == failure.reason;
          });
        }
        found.push_back(std::move(failure));
      }
    } else {
      spec = (*normal)["spec"];
      for (const Json& warning : (*normal)["warnings"].items()) {
        if (warnings != nullptr)
          warnings->push_back({warning["field"].AsString(), warning["message"].AsString()});
      }
    }
  }
  if (!found.empty()) {
    Error first{Code::kInvalid, "ValidationFailed", found.front().message, found.front().field};
    if (problems != nullptr) *problems = std::move(found);
    return first;
  }

  store::Submission submission;
  submission.operation = impl_->NewOperation("create", request.requested_by, request.request_id);
  submission.operation.on_failure = request.on_failure;
  submission.operation.organization = request.organization;
  submission.operation.spec = spec.Dump();
  submission.operation.engine = (*engine)->name();
  submission.idempotency = request.idempotency;
  store::InstanceRecord instance;
  instance.id = NewId("ins", impl_->clock);
  instance.organization = request.organization;
  instance.project = request.project;
  instance.name = name;
  instance.ns = ns;
  instance.database_type = request.database_type;
  instance.tier = request.tier;
  instance.spec = submission.operation.spec;
  instance.labels = request.labels.Dump();
  instance.engine = (*engine)->name();
  instance.deletion_protection = request.deletion_protection;
  instance.seed = HexEncode(RandomBytes(16));
  instance.requested_by = request.requested_by;
  instance.created_ms = instance.updated_ms = submission.operation.created_ms;
  submission.operation.instance_id = instance.id;
  submission.instance = std::move(instance);
  TRY(store::Submitted submitted, impl_->store.Submit(std::move(submission)));
  impl_->Wake(submitted.instance.id, 0);
  return submitted;
}

Result<store::Submitted> Service::Delete(const DeleteRequest& request) {
  TRY(const store::InstanceRecord instance, impl_->store.GetInstance(request.instance_id));
  if (instance.deleted_ms != 0)
    return Error{Code::kNotFound, "InstanceNotFound", "instance " + instance.id + " is deleted"};
  if (request.expected_generation != 0 && request.expected_generation != instance.generation) {
    return Error{Code::kPrecondition, "EtagMismatch", "the instance was changed since it was read"};
  }
  if (instance.deletion_protection) {
    return Error{
        Code::kPrecondition, "DeletionProtected",
        "deletionProtection is on; clear it first with PATCH {\"deletionProtection\": false}"};
  }
  store::Submission submission;
  submission.operation = impl_->NewOperation("delete", request.requested_by, request.request_id);
  submission.operation.instance_id = instance.id;
  submission.operation.organization = instance.organization;
  submission.operation.spec = instance.spec;
  if (request.retain_volumes) {
    TRY(const auto engine, impl_->engines.ForType(instance.database_type));
    if (ClaimsSelector(engine->description(), instance).empty())
      return Error{Code::kUnsupported, "RetainNotSupported",
                   "the engine " + engine->name() + " does not tell how to find its volumes"};
    TRY(Json spec, Json::Parse(instance.spec));
    submission.operation.spec = spec.Set("retain_volumes", true).Dump();
  }
  submission.supersede = true;
  submission.idempotency = request.idempotency;
  TRY(store::Submitted submitted, impl_->store.Submit(std::move(submission)));
  if (request.retain_volumes && !RetainsVolumes(submitted.operation)) {
    return Error{Code::kConflict, "OperationInProgress",
                 "a delete that does not retain the volumes is running"}
        .At(submitted.operation.id);
  }
  if (!submitted.superseded.empty())
    impl_->log.Info("op.superseded",
                    {{"op", submitted.superseded}, {"by", submitted.operation.id}});
  impl_->Wake(instance.id, 0);
  return submitted;
}

Result<store::OperationRecord> Service::Cancel(const std::string& operation_id) {
  TRY(const store::OperationRecord operation, impl_->store.GetOperation(operation_id));
  if (operation.verb == "delete")
    return Error{Code::kPrecondition, "OperationNotCancellable", "a deletion cannot be taken back"};
  TRY(store::OperationRecord asked, impl_->store.AskCancel(operation_id));
  impl_->Wake(asked.instance_id, 0);
  return asked;
}

Result<store::OperationRecord> Service::Retry(const std::string& operation_id) {
  TRY(store::OperationRecord asked, impl_->store.GetOperation(operation_id));
  // One that waits looks again at once: who mended what it waits for need not wait as well.
  if (store::IsTerminal(asked.state) || asked.state == store::OperationState::kBlocked) {
    TRY(asked, impl_->store.AskRetry(operation_id));
  }
  impl_->Wake(asked.instance_id, 0);
  return asked;
}

Result<Json> Service::Credentials(const std::string& instance_id) {
  TRY(const store::InstanceRecord instance, impl_->store.GetInstance(instance_id));
  TRY(const auto data_key, impl_->store.DataKey(instance_id));
  TRY(const auto sealed, impl_->store.Credentials(instance_id));
  if (!data_key || sealed.empty())
    return Error{Code::kPrecondition, "NoCredentialsYet",
                 "the instance has no credentials yet; its state is " + instance.state};
  TRY(auto values, impl_->vault.Open(instance.organization, instance_id, *data_key, sealed));
  Json out = Json::MakeObject();
  for (auto& [field, value] : values) {
    out.Set(field, value);
    Wipe(value);
  }
  return out;
}

std::vector<Check> Service::Checks() {
  std::vector<Check> out;
  const auto add = [&](const char* name, const Result<void>& result) {
    out.push_back({name, static_cast<bool>(result),
                   result ? "" : result.error().reason + ": " + result.error().message});
  };
  add("store", impl_->store.Ping());
  add("cluster", impl_->cluster.Ping());
  impl_->waiting.Set(static_cast<double>(impl_->scheduler->waiting()));
  impl_->cache_bytes.Set(static_cast<double>(impl_->observer.Bytes()));
  const auto engines = impl_->engines.List();
  const bool any = std::any_of(engines.begin(), engines.end(), [](const auto& e) {
    return e.state == engine::EngineState::kLoaded;
  });
  out.push_back({"engines", any, any ? "" : "no engine is loaded"});
  out.push_back({"watches", impl_->observer.Synced(),
                 impl_->observer.Synced() ? "" : "not every watched kind has been listed yet"});
  return out;
}

const std::vector<Tier>& Service::tiers() const {
  return impl_->options.tiers;
}

}  // namespace slipway::pipeline
