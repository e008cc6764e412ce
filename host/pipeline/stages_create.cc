// The stages of a provisioning, one look each.
#include <algorithm>
#include <optional>

#include "base/backoff.h"
#include "pipeline/backups.h"
#include "pipeline/credentials.h"
#include "pipeline/effects.h"
#include "pipeline/endpoints.h"
#include "pipeline/failures.h"
#include "pipeline/namespaces.h"
#include "pipeline/quota.h"
#include "pipeline/stages.h"
#include "pipeline/store_keys.h"
#include "pipeline/update.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

constexpr char kLogin[] = "Login";  // the kind of what is waited for
constexpr int64_t kLoginPatienceMs = 12'000;
constexpr BackoffPolicy kLoginBackoff{200, 3000};
constexpr int64_t kQuotaPatienceMs = 5000;
constexpr int64_t kServicePatienceMs = 30'000;

// The stages that will do nothing. kInternal "BadDocument" when the plan names a stage that the
// verb does not have; one of `other`, the verb that the plan was made for, may stand in it, too.
Result<std::vector<Planned::Skip>> SkipsOf(const VerbPolicy& policy, const Json& plan,
                                           const VerbPolicy* other = nullptr) {
  std::vector<Planned::Skip> skips;
  std::vector<std::string> named;
  for (const Json& entry : plan["stages"].items()) {
    const std::string& name = entry["name"].AsString();
    if (!IsEngineStage(policy, name) && other != nullptr && IsEngineStage(*other, name)) continue;
    if (!IsEngineStage(policy, name))
      return Error{Code::kInternal, "BadDocument",
                   "plan names stage " + Json::Quote(name) +
                       ", which is not an engine's stage of " + std::string(policy.engine_verb)};
    named.push_back(name);
    if (const Json& skip = entry["skip"]; skip.is_object())
      skips.push_back({name, skip["reason"].AsString(), skip["message"].AsString()});
  }
  for (const auto& record : StagesOf(policy)) {
    if (!IsEngineStage(policy, record.name) ||
        std::find(named.begin(), named.end(), record.name) != named.end())
      continue;
    // The namespace and the demolition are the host's work too, whatever the engine adds.
    if (record.name == stage::kNamespaceCreation || FindDemolition(record.name) != nullptr)
      continue;
    skips.push_back({record.name, "NothingToDo", "the engine does nothing here"});
  }
  return skips;
}

// A kind that the engine cannot do without and the cluster does not serve.
std::optional<StageOutcome> MissingOperator(Tick& tick) {
  for (const Json& entry : tick.engine().description()["crds_required"].items()) {
    const std::string& text = entry.AsString();
    const size_t slash = std::min(text.rfind('/'), text.size());
    const auto found = tick.deps().cluster.Discover(text.substr(0, slash),
                                                    text.substr(std::min(slash + 1, text.size())));
    if (found) continue;
    if (found.error().code != Code::kNotFound) return FromClusterError(tick, found.error());
    return StageOutcome::Of(
        StageFails{{Code::kPrecondition, "OperatorNotInstalled",
                    "the cluster does not serve " + text + ": is the operator of " +
                        tick.engine().name() + " installed?"}});
  }
  return std::nullopt;
}

// The newest operation whose plan says what the instance needs.
Result<std::optional<store::OperationRecord>> LastSized(Tick& tick) {
  return tick.deps().store.LastPlanned(tick.instance().id,
                                       VerbsWith(&VerbPolicy::counts_for_quota));
}

// The engine's plan for the operation.
Result<Json> AskPlan(Tick& tick, engine::Engine& engine) {
  const store::OperationRecord& operation = tick.operation();
  engine::StepInput filled;
  TRY_VOID(FillFrom(operation, filled));
  engine::PlanInput input;
  input.verb = PolicyOf(operation.verb).engine_verb;
  input.operation_id = operation.id;
  input.operation_started_ms = operation.started_ms;
  input.instance = FactsOf(tick.instance());
  input.spec = std::move(filled.spec);
  input.previous = std::move(filled.previous);
  input.arguments = std::move(filled.arguments);
  return engine.Plan(input.ToJson());
}

// Goes on with the plan that the instance stands on, by the engine that made it. Every object is
// looked at as if it had never been applied, so one that somebody else put in the place of ours is
// left alone.
StageOutcome AdoptPlan(Tick& tick) {
  const auto last = LastSized(tick);
  if (!last) return FromClusterError(tick, last.error());
  if (!*last)
    return StageOutcome::Of(
        StageFails{{Code::kPrecondition, "NoPlan", "the instance has no plan to apply again"}});
  Result<Json> plan = Json::Parse((*last)->plan);
  // The plan of an update has its own stages, and sizes of before and after.
  if (PolicyOf((*last)->verb).changes_spec) {
    const auto engine = tick.deps().engines.ForSha((*last)->engine, (*last)->engine_sha256);
    if (!engine) return FromEngineError(tick, engine.error());
    plan = AskPlan(tick, **engine);
    if (!plan) return FromEngineError(tick, plan.error());
  }
  if (!plan) return StageOutcome::Of(StageFails{plan.error()});
  auto skips = SkipsOf(PolicyOf(tick.operation().verb), *plan, &PolicyOf((*last)->verb));
  if (!skips) return StageOutcome::Of(StageFails{skips.error()});
  const std::vector<store::ObjectRecord> records = tick.inventory().records();
  for (store::ObjectRecord record : records) {
    if (record.passing) continue;
    record.uid.clear();
    record.applied_sha256.clear();
    tick.inventory().Put(record);
  }
  return {{Planned{plan->Dump(), (*last)->engine, (*last)->engine_version, (*last)->engine_sha256,
                   *std::move(skips)},
           StageReady{""}},
          -1,
          false};
}

// For how long (observed) the server has said the same; the stage's attempts count other failures
// too.
int64_t LoginWaitedMs(Tick& tick, const std::string& message) {
  const auto& waiting = tick.stage().waiting_for;
  return waiting && waiting->kind == kLogin && waiting->reason == message
             ? tick.stage().spent_ms - waiting->since_spent_ms
             : 0;
}

StageOutcome LoginAgain(Tick& tick, const std::string& endpoint, const std::string& message) {
  return {{StageRetries{{Code::kPrecondition, "LoginRefused", message},
                        store::WaitingFor{kLogin, tick.instance().ns, endpoint, message}}},
          BackoffMs(kLoginBackoff, tick.stage().attempts),
          false};
}

// Clouds give a load balancer an address that answers within a minute or so, some clusters never.
// Counted from the stage's start, which no other wait in between moves, and never so long that the
// stage's time-out would undo a database that works.
bool AddressIsYoung(Tick& tick) {
  const PipelineOptions& options = tick.deps().options;
  return tick.stage().spent_ms <
         std::min(options.address_timeout_ms, options.StageTimeoutMs(tick.stage().name) / 2);
}

// A watch of Services may be behind the others, by its back-off after an outage: a Service that is
// not seen yet is no fault of the engine that names it.
bool ServiceMayCome(Tick& tick) {
  const PipelineOptions& options = tick.deps().options;
  return tick.stage().spent_ms <
         std::min(kServicePatienceMs, options.StageTimeoutMs(tick.stage().name) / 2);
}

// Fills in `out`, which says SKIPPED so far. An outcome means that the stage is not done.
std::optional<StageOutcome> ProveLogin(Tick& tick, const secrets::Fields& values, Json& out) {
  const Json& proof = tick.engine().description()["login_proof"];
  const std::string name = proof["endpoint"].AsString("primary");
  out.Set("endpoint", name);
  const Json& endpoint = EndpointOf(tick.outputs(), name);
  if (endpoint.is_null()) {
    out.Set("state", "NOT_PROVED").Set("message", "unreachable: no endpoint " + name);
    return std::nullopt;
  }
  if (endpoint["simulated"].is_string()) {
    out.Set("message", endpoint["simulated"]);
    return std::nullopt;
  }
  const connect::LoginResult login = connect::TryLogin(
      LoginAt(endpoint, proof, values, tick.deps().options.credential_login_timeout_ms));
  switch (login.outcome) {
    case connect::LoginOutcome::kProved:
      out.Set("state", "PROVED");
      break;
    case connect::LoginOutcome::kNoConnector:
      out.Set("message", login.message);
      break;
    case connect::LoginOutcome::kNotListening:
      // A Service leads to a pod a moment after it is ready.
      if (LoginWaitedMs(tick, login.message) < kLoginPatienceMs)
        return LoginAgain(tick, name, login.message);
      [[fallthrough]];
    case connect::LoginOutcome::kUnreachable:
      // Its name may not resolve yet, or nothing stand behind it.
      if (endpoint["external"].is_object() && AddressIsYoung(tick))
        return LoginAgain(tick, name, login.message);
      // An address inside the cluster cannot be reached from outside: recorded, not a failure.
      out.Set("state", "NOT_PROVED").Set("message", "unreachable: " + login.message);
      break;
    case connect::LoginOutcome::kRefused:
      if (LoginWaitedMs(tick, login.message) >= kLoginPatienceMs)
        return StageOutcome::Of(StageFails{{Code::kPrecondition, "LoginRefused", login.message}});
      [[fallthrough]];
    case connect::LoginOutcome::kNotReady:
      return LoginAgain(tick, name, login.message);
  }
  return std::nullopt;
}

// A wait that lasts may have a cause that no object of the instance shows: a quota without room.
// Engines see pods that are not made, not the reason.
void NameQuota(Tick& tick, const Answer& answer, StageOutcome& judged) {
  auto* waits = std::get_if<StageWaits>(&judged.inputs.back());
  const auto& standing = tick.stage().waiting_for;
  if (waits == nullptr) return;
  const int64_t waited_ms = tick.stage().spent_ms - (standing ? standing->since_spent_ms : 0);
  const bool named = standing && standing->kind == kResourceQuota;
  if (!named && waited_ms < kQuotaPatienceMs) {
    judged.delay_ms = std::min(judged.delay_ms, kQuotaPatienceMs - waited_ms);
    return;
  }
  const auto plan = Json::Parse(tick.operation().plan);
  if (!plan) return;
  auto refusing = RefusingQuota(tick.deps().cluster, tick.instance().ns, (*plan)["quota"],
                                tick.engine().description()["watches"], answer.observed);
  if (!refusing) {
    // A missing right is told. Nothing else about a look for a reason may end the stage.
    if (refusing.error().code == Code::kForbidden)
      judged = FromClusterError(tick, refusing.error());
    return;
  }
  if (!*refusing) return;
  store::WaitingFor& quota = **refusing;
  quota.message =
      "the quota " + quota.name + " leaves no room (" + quota.message + "); " + waits->message;
  *waits = {quota, "QuotaExceeded", quota.message};
}

// Ask, apply, and take the addresses. An outcome means that the verdict is not to be heard yet.
std::optional<StageOutcome> AskAndApply(Tick& tick, Answer& answer, Endpoints& endpoints) {
  if (auto unanswered = tick.AskEngine(answer)) return unanswered;
  if (auto unapplied = tick.Apply(answer)) return unapplied;
  // A stage that names no endpoints can move those of an earlier one, by a switchover for example.
  const bool named = answer.result.outputs["endpoints"].is_array();
  auto read = ReadEndpoints(tick.deps().cluster, tick.engine().description(), tick.instance(),
                            tick.deps().options.cluster_domain,
                            named ? answer.result.outputs : tick.outputs(), answer.observed);
  if (!read) return FromClusterError(tick, read.error());
  endpoints = *std::move(read);
  const bool known = endpoints.missing.empty() && endpoints.pending.empty();
  if (endpoints.list.is_array() && (named || known))
    tick.outputs().Set("endpoints", endpoints.list);
  TakeBackups(answer.result.outputs, tick.instance(), tick.deps().clock, tick.outputs(),
              tick.pending().backups);
  return std::nullopt;
}

}  // namespace

StageOutcome RunPlanning(Tick& tick) {
  const VerbPolicy& policy = PolicyOf(tick.operation().verb);
  if (!policy.plans) return AdoptPlan(tick);
  if (auto found = tick.FindEngine(); !found) {
    // A deletion needs no engine; the host takes down what it applied.
    if (policy.ends_instance && CannotBeAsked(found.error()))
      return StageOutcome::Of(StageReady{""});
    return FromEngineError(tick, found.error());
  }
  if (policy.makes_instance) {
    if (auto missing = MissingOperator(tick)) return *std::move(missing);
  }
  const auto plan = AskPlan(tick, tick.engine());
  if (!plan) {
    if (policy.ends_instance && CannotBeAsked(plan.error()))
      return StageOutcome::Of(StageReady{""});
    return FromEngineError(tick, plan.error());
  }
  auto skips = SkipsOf(policy, *plan);
  if (!skips) return FromEngineError(tick, skips.error());
  Json kept = *plan;
  if (policy.changes_spec) {
    const auto last = LastSized(tick);
    if (!last) return FromClusterError(tick, last.error());
    auto both = WithBothQuotas(*plan, *last ? Json::ParseObject((*last)->plan)["quota"] : Json());
    if (!both) return FromEngineError(tick, both.error());
    kept = *std::move(both);
  }
  const engine::Engine& engine = tick.engine();
  return {
      {Planned{kept.Dump(), engine.name(), engine.version(), engine.sha256(), *std::move(skips)},
       StageReady{""}},
      -1,
      false};
}

StageOutcome RunNamespaceCreation(Tick& tick) {
  const auto& instance = tick.instance();
  const TickDeps& deps = tick.deps();
  const auto entered = deps.store.EnterNamespace(instance);
  if (!entered) {
    if (entered.error().reason == "NamespaceTaken")
      return StageOutcome::Of(StageFails{entered.error()});
    return FromClusterError(tick, entered.error());
  }
  if (!*entered)
    return Waits({"Namespace", "", instance.ns, "BeingDeleted"}, "NamespaceBusy",
                 "the namespace is being deleted with its last instance", 300);
  const auto waiting = EnsureNamespace(deps.cluster, instance);
  if (!waiting) return FromClusterError(tick, waiting.error());
  if (*waiting)
    return Waits(**waiting, "NamespaceTerminating", "waiting for the old namespace to go", 300);
  if (auto quota = SettleQuota(deps.cluster, deps.store, instance.ns); !quota)
    return FromClusterError(tick, quota.error());
  if (auto unfinished = PutStoreKeys(tick)) return *std::move(unfinished);
  return RunEngineStage(tick);
}

StageOutcome RunEngineStage(Tick& tick) {
  Answer answer;
  Endpoints endpoints;
  if (auto unfinished = AskAndApply(tick, answer, endpoints)) return *std::move(unfinished);
  StageOutcome judged = tick.Judge(answer.result.verdict, answer.result.retry_after_ms);
  NameQuota(tick, answer, judged);
  return judged;
}

StageOutcome RunCredentialGen(Tick& tick) {
  Answer answer;
  Endpoints endpoints;
  if (auto unfinished = AskAndApply(tick, answer, endpoints)) return *std::move(unfinished);
  StageOutcome judged = tick.Judge(answer.result.verdict, answer.result.retry_after_ms);
  if (!std::holds_alternative<StageReady>(judged.inputs.back())) return judged;
  if (!endpoints.missing.empty() && ServiceMayCome(tick))
    return Waits({"Service", tick.instance().ns, endpoints.missing, "NotObserved"},
                 "ServiceNotObserved", "the Service " + endpoints.missing + " is not there yet",
                 500);
  if (!endpoints.missing.empty())
    return FromEngineError(tick, {Code::kInternal, "NoSuchService",
                                  "the engine names Service " + endpoints.missing +
                                      " as an endpoint, but there is none"});
  if (!endpoints.pending.empty() && AddressIsYoung(tick))
    return Waits({"Service", tick.instance().ns, endpoints.pending, "NoAddress"}, "AddressPending",
                 "the load balancer has no address for " + endpoints.pending + " yet", 500);

  const Json& source = answer.result.outputs["credentials"];
  if (!source["secret"].is_string())
    return StageOutcome::Of(StageSkipped{"NoCredentials", "the engine names no credentials"});
  const TickDeps& deps = tick.deps();
  auto read = ReadSecret(deps.cluster, tick.instance(), source, tick.inventory().records(),
                         answer.observed);
  if (!read) {
    if (read.error().reason == "ForbiddenEffect") return FromEngineError(tick, read.error());
    return FromClusterError(tick, read.error());
  }
  Json proof = Json::Obj({{"state", "SKIPPED"}, {"at", FormatTime(deps.clock.NowMs())}});
  if (tick.engine().description()["login_proof"].is_object()) {
    if (auto unfinished = ProveLogin(tick, read->fields, proof)) return *std::move(unfinished);
  }
  tick.outputs().Set("login_proof", proof);
  tick.outputs().Set("credentials", Json::Obj({{"source", source}, {"version", read->version}}));
  auto sealed = deps.vault.Seal(tick.instance().organization, tick.instance().id, read->fields);
  tick.pending().data_key = std::move(sealed.data_key);
  tick.pending().credentials = std::move(sealed.credentials);
  const std::string& why = std::as_const(proof)["message"].AsString();
  return StageOutcome::Of(
      StageReady{"login " + proof["state"].AsString() + (why.empty() ? "" : ": " + why)});
}

StageOutcome RunNothing(Tick& /*tick*/) {
  return StageOutcome::Of(StageReady{""});
}

}  // namespace slipway::pipeline
