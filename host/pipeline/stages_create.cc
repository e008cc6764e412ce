// The stages of a provisioning, one look each. All of them may be repeated at any time.
#include <algorithm>
#include <optional>

#include "base/backoff.h"
#include "connect/login.h"
#include "pipeline/effects.h"
#include "pipeline/endpoints.h"
#include "pipeline/login_proof.h"
#include "pipeline/namespaces.h"
#include "pipeline/stages.h"
#include "pipeline/tick.h"

namespace slipway::pipeline {
namespace {

constexpr char kLogin[] = "Login";  // the kind of what is waited for
constexpr int64_t kLoginPatienceMs = 12'000;
constexpr BackoffPolicy kLoginBackoff{200, 3000};

store::StageRecord& Current(TickContext& context) {
  return context.operation.stages[context.operation.stage];
}

// kInternal "BadDocument" when the plan names a stage that the verb does not have.
Result<std::vector<Planned::Skip>> SkipsOf(const std::string& verb, const Json& plan) {
  std::vector<Planned::Skip> skips;
  std::vector<std::string> named;
  for (const Json& entry : plan["stages"].items()) {
    const std::string& name = entry["name"].AsString();
    if (!IsEngineStage(verb, name))
      return Error{
          Code::kInternal, "BadDocument",
          "plan names stage " + Json::Quote(name) + ", which is not an engine's stage of " + verb};
    named.push_back(name);
    if (const Json& skip = entry["skip"]; skip.is_object())
      skips.push_back({name, skip["reason"].AsString(), skip["message"].AsString()});
  }
  for (const auto& record : StagesOf(verb)) {
    if (!IsEngineStage(verb, record.name) ||
        std::find(named.begin(), named.end(), record.name) != named.end())
      continue;
    // The namespace is the host's work too, whatever the engine adds.
    if (record.name == stage::kNamespaceCreation) continue;
    skips.push_back({record.name, "NothingToDo", "the engine does nothing here"});
  }
  return skips;
}

const Json& EndpointOf(const TickContext& context, const std::string& name) {
  static const Json kNone;
  for (const Json& endpoint : context.outputs["endpoints"].items()) {
    if (endpoint["name"].AsString() == name) return endpoint;
  }
  return kNone;
}

Error LoginRefused(const std::string& message) {
  return {Code::kPrecondition, "LoginRefused", message};
}

// For how long the server has said the same; the stage's attempts count other failures too.
int64_t LoginWaitedMs(const TickDeps& deps, TickContext& context, const std::string& message) {
  const auto& waiting = Current(context).waiting_for;
  return waiting && waiting->kind == kLogin && waiting->reason == message
             ? deps.clock.NowMs() - waiting->since_ms
             : 0;
}

StageOutcome LoginAgain(TickContext& context, const std::string& endpoint,
                        const std::string& message) {
  return {{StageRetries{LoginRefused(message),
                        store::WaitingFor{kLogin, context.instance.ns, endpoint, message, 0}}},
          BackoffMs(kLoginBackoff, Current(context).attempts)};
}

// Clouds give a load balancer an address that answers within a minute or so, some clusters never.
// Counted from the stage's start, which no other wait in between moves, and never so long that the
// stage's time-out would undo a database that works.
bool AddressIsYoung(const TickDeps& deps, TickContext& context) {
  const auto& stage = Current(context);
  const int64_t patience =
      std::min(deps.options.address_timeout_ms, deps.options.StageTimeoutMs(stage.name) / 2);
  return deps.clock.NowMs() - stage.started_ms < patience;
}

// Fills in `out`, which says SKIPPED so far. An outcome means that the stage is not done.
std::optional<StageOutcome> ProveLogin(const TickDeps& deps, TickContext& context,
                                       const CredentialValues& values, Json& out) {
  const Json& proof = context.engine->description()["login_proof"];
  const std::string name = proof["endpoint"].AsString("primary");
  out.Set("endpoint", name);
  const Json& endpoint = EndpointOf(context, name);
  if (endpoint.is_null()) {
    out.Set("state", "NOT_PROVED").Set("message", "unreachable: no endpoint " + name);
    return std::nullopt;
  }
  if (endpoint["simulated"].is_string()) {
    out.Set("message", endpoint["simulated"]);
    return std::nullopt;
  }
  const connect::LoginResult login =
      connect::TryLogin(LoginAt(endpoint, proof, values, deps.options.credential_login_timeout_ms));
  switch (login.outcome) {
    case connect::LoginOutcome::kProved:
      out.Set("state", "PROVED");
      break;
    case connect::LoginOutcome::kNoConnector:
      out.Set("message", login.message);
      break;
    case connect::LoginOutcome::kNotListening:
      // A Service leads to a pod a moment after it is ready.
      if (LoginWaitedMs(deps, context, login.message) < kLoginPatienceMs)
        return LoginAgain(context, name, login.message);
      [[fallthrough]];
    case connect::LoginOutcome::kUnreachable:
      // Its name may not resolve yet, or nothing stand behind it.
      if (endpoint["external"].is_object() && AddressIsYoung(deps, context))
        return LoginAgain(context, name, login.message);
      // An address inside the cluster cannot be reached from outside: recorded, not a failure.
      out.Set("state", "NOT_PROVED").Set("message", "unreachable: " + login.message);
      break;
    case connect::LoginOutcome::kRefused:
      if (LoginWaitedMs(deps, context, login.message) >= kLoginPatienceMs)
        return StageOutcome::Of(StageFails{LoginRefused(login.message)});
      [[fallthrough]];
    case connect::LoginOutcome::kNotReady:
      return LoginAgain(context, name, login.message);
  }
  return std::nullopt;
}

}  // namespace

StageOutcome RunPlanning(const TickDeps& deps, TickContext& context) {
  auto engine = EngineOf(deps, context);
  if (!engine) return FromEngineError(Current(context), context.instance.engine, engine.error());
  const Json& description = (*engine)->description();
  if (context.operation.verb == "create") {
    for (const Json& entry : description["crds_required"].items()) {
      const std::string& text = entry.AsString();
      const size_t slash = std::min(text.rfind('/'), text.size());
      const auto found = deps.cluster.Discover(text.substr(0, slash),
                                               text.substr(std::min(slash + 1, text.size())));
      if (found) continue;
      if (found.error().code != Code::kNotFound)
        return FromClusterError(Current(context), found.error());
      return StageOutcome::Of(
          StageFails{{Code::kPrecondition, "OperatorNotInstalled",
                      "the cluster does not serve " + text + ": is the operator of " +
                          (*engine)->name() + " installed?"}});
    }
  }
  auto spec = Json::Parse(context.operation.spec);
  if (!spec) return StageOutcome::Of(StageFails{spec.error()});
  const auto& instance = context.instance;
  auto plan =
      (*engine)->Plan(Json::Obj({{"schema", 1},
                                 {"verb", context.operation.verb},
                                 {"instance", Json::Obj({{"id", instance.id},
                                                         {"name", instance.name},
                                                         {"namespace", instance.ns},
                                                         {"seed", instance.seed},
                                                         {"organization", instance.organization},
                                                         {"project", instance.project}})},
                                 {"spec", *std::move(spec)},
                                 {"previous", nullptr}}));
  if (!plan) return FromEngineError(Current(context), (*engine)->name(), plan.error());
  auto skips = SkipsOf(context.operation.verb, *plan);
  if (!skips) return FromEngineError(Current(context), (*engine)->name(), skips.error());
  return {{Planned{plan->Dump(), (*engine)->name(), (*engine)->version(), (*engine)->sha256(),
                   *std::move(skips)},
           StageReady{""}},
          -1};
}

StageOutcome RunNamespaceCreation(const TickDeps& deps, TickContext& context) {
  const auto& instance = context.instance;
  auto acquired = deps.store.AcquireNamespace(instance.ns, instance.organization, instance.project);
  if (!acquired) {
    if (acquired.error().reason == "NamespaceTaken")
      return StageOutcome::Of(StageFails{acquired.error()});
    return FromClusterError(Current(context), acquired.error());
  }
  if (!*acquired)
    return Waits(store::WaitingFor{"Namespace", "", instance.ns, "BeingDeleted", 0},
                 "NamespaceBusy", "the namespace is being deleted with its last instance", 300);
  auto waiting = EnsureNamespace(deps.cluster, instance);
  if (!waiting) return FromClusterError(Current(context), waiting.error());
  if (*waiting)
    return Waits(**waiting, "NamespaceTerminating", "waiting for the old namespace to go", 300);
  auto plans = deps.store.PlansInNamespace(instance.ns);
  if (!plans) return FromClusterError(Current(context), plans.error());
  if (auto quota = ApplyQuota(deps.cluster, instance.ns, *plans, ""); !quota)
    return FromClusterError(Current(context), quota.error());
  return RunEngineStage(deps, context);
}

StageOutcome RunEngineStage(const TickDeps& deps, TickContext& context) {
  auto engine = EngineOf(deps, context);
  if (!engine) return FromEngineError(Current(context), context.operation.engine, engine.error());
  Json observed;
  auto result = CallStep(deps, context, context.operation.verb, Current(context).name, observed);
  if (!result) return FromStepError(context, result.error());
  if (auto applied = ApplyAll(deps, context, (*result)["apply"], observed); !applied) {
    if (applied.error().reason == "ForbiddenEffect")
      return StageOutcome::Of(StageFails{applied.error()});
    return FromClusterError(Current(context), applied.error());
  }
  if (auto taken = TakeOutputs(deps, context, (*result)["outputs"], observed); !taken)
    return FromClusterError(Current(context), taken.error());
  return Judge(deps, context, *result);
}

StageOutcome RunCredentialGen(const TickDeps& deps, TickContext& context) {
  auto engine = EngineOf(deps, context);
  if (!engine) return FromEngineError(Current(context), context.operation.engine, engine.error());
  Json observed;
  auto result = CallStep(deps, context, context.operation.verb, Current(context).name, observed);
  if (!result) return FromStepError(context, result.error());
  if (auto applied = ApplyAll(deps, context, (*result)["apply"], observed); !applied)
    return FromClusterError(Current(context), applied.error());
  const auto pending = TakeOutputs(deps, context, (*result)["outputs"], observed);
  if (!pending) return FromClusterError(Current(context), pending.error());
  StageOutcome judged = Judge(deps, context, *result);
  if (!std::holds_alternative<StageReady>(judged.inputs.back())) return judged;
  if (!pending->empty() && AddressIsYoung(deps, context))
    return Waits(store::WaitingFor{"Service", context.instance.ns, *pending, "NoAddress", 0},
                 "AddressPending", "the load balancer has no address for " + *pending + " yet",
                 500);

  const Json& credentials = (*result)["outputs"]["credentials"];
  if (!credentials["secret"].is_string())
    return StageOutcome::Of(StageSkipped{"NoCredentials", "the engine names no credentials"});
  CredentialValues values;
  if (auto read = ReadSecret(deps.cluster, context.instance.ns, credentials, values); !read)
    return FromClusterError(Current(context), read.error());

  Json proof = Json::Obj({{"state", "SKIPPED"}, {"at", FormatTime(deps.clock.NowMs())}});
  if (context.engine->description()["login_proof"].is_object()) {
    if (auto unfinished = ProveLogin(deps, context, values, proof)) return *std::move(unfinished);
  }
  context.outputs.Set("login_proof", proof);
  Vault::Sealed sealed =
      deps.vault.Seal(context.instance.organization, context.instance.id, values.list);
  context.pending.data_key = std::move(sealed.data_key);
  context.pending.credentials = std::move(sealed.credentials);
  const std::string& why = std::as_const(proof)["message"].AsString();
  return StageOutcome::Of(
      StageReady{"login " + proof["state"].AsString() + (why.empty() ? "" : ": " + why)});
}

}  // namespace slipway::pipeline
