#include "pipeline/tick.h"

#include <algorithm>

#include "base/backoff.h"
#include "base/crypto.h"
#include "pipeline/effects.h"
#include "pipeline/generated.h"

namespace slipway::pipeline {
namespace {

constexpr int kNeedRounds = 4;
constexpr int kEngineTries = 5;
constexpr int64_t kResyncMs = 30'000;
constexpr int64_t kCacheLookMs = 100;
// Where a generated secret is sealed to: no credential is called that.
constexpr char kGeneratedPrefix[] = "generated/";
constexpr BackoffPolicy kClusterBackoff{250, 10'000};
constexpr BackoffPolicy kEngineBackoff{1000, 60'000};

Json InstanceJson(const store::InstanceRecord& instance) {
  return Json::Obj({{"id", instance.id},
                    {"name", instance.name},
                    {"namespace", instance.ns},
                    {"seed", instance.seed},
                    {"organization", instance.organization},
                    {"project", instance.project}});
}

// What the cluster serves of what the engine asked about. An unanswered question is an error.
Result<Json> Facts(kube::Cluster& cluster, const Json& description) {
  Json kinds = Json::MakeObject();
  for (const char* list : {"crds_required", "crds_optional"}) {
    for (const Json& entry : description[list].items()) {
      const std::string& text = entry.AsString();
      const size_t slash = text.rfind('/');
      if (slash == std::string::npos) continue;
      const auto found = cluster.Discover(text.substr(0, slash), text.substr(slash + 1));
      if (!found && found.error().code != Code::kNotFound) return found.error();
      kinds.Set(text, static_cast<bool>(found));
    }
  }
  return Json::Obj({{"kinds", kinds}});
}

// A Secret goes to the engine as its key names only.
Result<Json> FetchNeed(kube::Cluster& cluster, const std::string& ns, const Json& need) {
  const kube::ObjectRef ref{need["apiVersion"].AsString(), need["kind"].AsString(), ns,
                            need["name"].AsString()};
  TRY(Json found, GetOrNull(cluster, ref));
  if (found.is_null() || ref.kind != "Secret") return found;
  Json keys = Json::MakeArray();
  for (const auto& [key, value] : found["data"].members()) keys.Push(key);
  return Json::Obj(
      {{"metadata", Json::Obj({{"name", ref.name}, {"namespace", ns}})}, {"keys", keys}});
}

struct GeneratedSecrets {
  std::map<std::string, size_t> lengths;
  std::map<std::string, std::string> values;
};

// The instance's secrets of those names; new ones are in the pending change, to be stored before
// any object that holds them goes out.
Result<void> MakeOrOpen(const TickDeps& deps, TickContext& context, GeneratedSecrets& secrets) {
  if (secrets.lengths.empty()) return {};
  const std::string &id = context.instance.id, &organization = context.instance.organization;
  TRY(const auto stored, deps.store.Generated(id));
  for (const store::GeneratedRecord& record : stored) {
    TRY(auto opened, deps.vault.Open(organization, id, record.data_key,
                                     {{kGeneratedPrefix + record.name, record.sealed}}));
    secrets.values[record.name] = std::move(opened.front().second);
  }
  for (const auto& [name, length] : secrets.lengths) {
    if (secrets.values.count(name) != 0) continue;
    const auto& value = secrets.values[name] = RandomAlnum(length);
    Vault::Sealed sealed = deps.vault.Seal(organization, id, {{kGeneratedPrefix + name, value}});
    context.pending.generated.push_back(
        {name, std::move(sealed.data_key), std::move(sealed.credentials.front().sealed)});
  }
  return {};
}

bool IsObserved(const Json& observed, const store::ObjectRecord& record) {
  return std::any_of(observed.items().begin(), observed.items().end(),
                     [&](const Json& object) { return SameObject(RecordOf(object), record); });
}

// The words of: "get" "patch"
std::vector<std::string_view> Quoted(std::string_view list) {
  std::vector<std::string_view> out;
  for (size_t at = list.find('"'); at != std::string_view::npos; at = list.find('"', at)) {
    const size_t end = list.find('"', at + 1);
    if (end == std::string_view::npos) break;
    out.push_back(list.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return out;
}

}  // namespace

void TickContext::PutObject(const store::ObjectRecord& record) {
  std::erase_if(pending.erase_objects,
                [&](const auto& other) { return SameObject(other, record); });
  std::erase_if(pending.put_objects, [&](const auto& other) { return SameObject(other, record); });
  pending.put_objects.push_back(record);
  const auto known = std::find_if(inventory.begin(), inventory.end(),
                                  [&](const auto& other) { return SameObject(other, record); });
  if (known != inventory.end()) {
    *known = record;
  } else {
    inventory.push_back(record);
  }
}

void TickContext::EraseObject(const store::ObjectRecord& record) {
  const store::ObjectRecord copy = record;
  std::erase_if(pending.put_objects, [&](const auto& other) { return SameObject(other, copy); });
  pending.erase_objects.push_back(copy);
  std::erase_if(inventory, [&](const auto& other) { return SameObject(other, copy); });
}

const store::ObjectRecord* TickContext::FindObject(const store::ObjectRecord& like) const {
  const auto known = std::find_if(inventory.begin(), inventory.end(),
                                  [&](const auto& other) { return SameObject(other, like); });
  return known != inventory.end() ? &*known : nullptr;
}

bool TickContext::HasPending() const {
  return !pending.put_objects.empty() || !pending.erase_objects.empty() ||
         !pending.credentials.empty() || !pending.generated.empty() || pending.data_key ||
         pending.instance || pending.erase_credentials || !pending.forget_namespace.empty();
}

StageOutcome Waits(std::optional<store::WaitingFor> waiting_for, std::string reason,
                   std::string message, int64_t delay_ms) {
  return {{StageWaits{std::move(waiting_for), std::move(reason), std::move(message)}}, delay_ms};
}

// RBAC's refusal reads: … cannot patch resource "clusters" in API group "db.example.org" in the
// namespace "acme-orders" (or: at the cluster scope). In 1.35 as in all releases since 1.12. To who
// would give rights that he does not have it says: … is attempting to grant RBAC permissions not
// currently held:, and then a line for each such rule:
// {APIGroups:[""], Resources:["pods"], Verbs:["get" "patch"]}
store::WaitingFor PermissionWait(const Error& error) {
  const auto between = [](std::string_view text, std::string_view before, std::string_view after) {
    const size_t at = text.find(before);
    if (at == std::string_view::npos) return std::string_view();
    const size_t begin = at + before.size(), end = text.find(after, begin);
    return end == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin);
  };
  const auto named = [](std::string_view verb, std::string_view resource, std::string_view group) {
    std::string out = std::string(verb) + " " + std::string(resource);
    return group.empty() ? out : out + "." + std::string(group);
  };
  const std::string_view text = error.message;
  store::WaitingFor out{"Permission", std::string(between(text, " in the namespace \"", "\"")), "",
                        error.message, 0};
  if (const auto verb = between(text, " cannot ", " resource \""); !verb.empty())
    out.name =
        named(verb, between(text, " resource \"", "\""), between(text, " in API group \"", "\""));
  const size_t grants = text.find("permissions not currently held:");
  if (grants == std::string_view::npos) return out;
  for (size_t at = text.find('{', grants); at != std::string_view::npos;
       at = text.find('{', at + 1)) {
    const std::string_view rule = text.substr(at, text.find('}', at) - at);
    const std::string_view group = between(rule, "APIGroups:[\"", "\"");
    for (const std::string_view resource : Quoted(between(rule, "Resources:[", "]")))
      for (const std::string_view verb : Quoted(between(rule, "Verbs:[", "]")))
        out.name += (out.name.empty() ? "" : ", ") + named(verb, resource, group);
  }
  return out;
}

StageOutcome FromClusterError(const store::StageRecord& stage, const Error& error) {
  const int64_t delay = BackoffMs(kClusterBackoff, stage.attempts, error.retry_after_ms);
  switch (error.code) {
    case Code::kInvalid:
    case Code::kPrecondition:
    case Code::kUnsupported:
    case Code::kInternal:
      return StageOutcome::Of(StageFails{error});
    case Code::kForbidden:
    case Code::kUnauthenticated:
      return {{StageRetries{error, PermissionWait(error)}}, delay};
    case Code::kExhausted:
      return {{StageRetries{error, store::WaitingFor{"ResourceQuota", "", "", error.message, 0}}},
              delay};
    default:
      return {{StageRetries{error, store::WaitingFor{"APIServer", "", "", error.reason, 0}}},
              delay};
  }
}

StageOutcome FromEngineError(const store::StageRecord& stage, const std::string& engine,
                             const Error& error) {
  switch (error.code) {
    case Code::kUnavailable:
      return {{StageRetries{error, store::WaitingFor{"Engine", "", engine, error.reason, 0}}},
              kResyncMs};
    case Code::kInvalid:
    case Code::kUnsupported:
      return StageOutcome::Of(StageFails{error});
    case Code::kPrecondition:
      if (!error.retryable) return StageOutcome::Of(StageFails{error});
      break;
    default:
      break;
  }
  if (stage.attempts + 1 >= kEngineTries) return StageOutcome::Of(StageBlocks{error});
  return {{StageRetries{error, store::WaitingFor{"Engine", "", engine, error.reason, 0}}},
          BackoffMs(kEngineBackoff, stage.attempts, error.retry_after_ms)};
}

Result<std::shared_ptr<engine::Engine>> EngineOf(const TickDeps& deps, TickContext& context) {
  if (!context.engine) {
    if (context.operation.engine_sha256.empty()) {
      TRY(context.engine, deps.engines.ForType(context.instance.database_type));
    } else {
      TRY(context.engine,
          deps.engines.ForSha(context.operation.engine, context.operation.engine_sha256));
    }
    deps.observer.EnsureWatches(context.engine->description()["watches"]);
  }
  return context.engine;
}

Result<Json> CallStep(const TickDeps& deps, TickContext& context, const std::string& verb,
                      const std::string& stage, Json& observed) {
  const Json& description = context.engine->description();
  TRY_VOID(deps.observer.Collect(context.instance.id, description["watches"], observed));
  TRY(Json facts, Facts(deps.cluster, description));
  const auto& operation = context.operation;
  const std::string& spec_text = operation.spec.empty() ? context.instance.spec : operation.spec;
  TRY(Json spec, Json::Parse(spec_text));
  Json carry = Json::MakeObject();
  if (!operation.plan.empty()) {
    TRY(const Json plan, Json::Parse(operation.plan));
    carry = plan["carry"];
  }
  Json inventory = Json::MakeArray();
  for (const auto& record : context.inventory) {
    inventory.Push(Json::Obj({{"apiVersion", record.api_version},
                              {"kind", record.kind},
                              {"namespace", record.ns},
                              {"name", record.name}}));
  }
  const bool has_stage = operation.stage < operation.stages.size();
  Json input = Json::Obj(
      {{"schema", 1},
       {"verb", verb},
       {"stage", stage},
       {"attempt", has_stage ? operation.stages[operation.stage].attempts + 1 : 1},
       {"stage_started_ms", has_stage ? operation.stages[operation.stage].started_ms : int64_t{0}},
       {"now_ms", deps.clock.NowMs()},
       {"instance", InstanceJson(context.instance)},
       {"spec", std::move(spec)},
       {"previous", nullptr},
       {"carry", std::move(carry)},
       {"facts", std::move(facts)},
       {"observed", observed},
       {"inventory", std::move(inventory)},
       {"needs", Json::MakeObject()}});
  for (int round = 0; round < kNeedRounds; ++round) {
    TRY(Json result, context.engine->Step(input));
    bool asked = false;
    for (const auto& [name, need] : result["need"].members()) {
      if (std::as_const(input)["needs"].Has(name)) continue;
      TRY(Json value, FetchNeed(deps.cluster, context.instance.ns, need));
      input["needs"].Set(name, std::move(value));
      asked = true;
    }
    if (!asked) return result;
    // A slow fetch leaves what was observed before it old.
    TRY_VOID(deps.observer.Collect(context.instance.id, description["watches"], observed));
    input.Set("observed", observed);
  }
  return Error{Code::kInternal, "NeedLoop",
               "the engine asked for something new in each of four rounds"};
}

StageOutcome FromStepError(const TickContext& context, const Error& error) {
  const store::StageRecord& stage = context.operation.stages[context.operation.stage];
  if (error.reason == "CacheNotSynced")
    return Waits(store::WaitingFor{"APIServer", "", "", error.reason, 0}, error.reason,
                 error.message, kCacheLookMs);
  if (error.code == Code::kInternal || error.reason == "EngineQuarantined" ||
      error.reason == "EngineUnavailable")
    return FromEngineError(stage, context.engine->name(), error);
  return FromClusterError(stage, error);
}

Result<void> ApplyAll(const TickDeps& deps, TickContext& context, const Json& apply,
                      const Json& observed) {
  const EffectScope scope{context.instance, context.engine->name(),
                          context.engine->description()["applies"]};
  TRY(const std::vector<Json> objects, GuardApply(scope, apply));
  std::vector<std::pair<const Json*, std::string>> todo;  // object, sha256
  bool new_intent = false;
  for (const Json& object : objects) {
    store::ObjectRecord record = RecordOf(object);
    std::string sha = Sha256Hex(object.Dump());
    const store::ObjectRecord* known = context.FindObject(record);
    const bool drifted = known != nullptr &&
                         deps.observer.Watches(record.api_version, record.kind) &&
                         !IsObserved(observed, record);
    if (known != nullptr && known->applied_sha256 == sha && !known->uid.empty() && !drifted)
      continue;
    if (known == nullptr) {
      record.uid.clear();
      record.order = static_cast<int64_t>(context.inventory.size()) + 1;
      context.PutObject(record);
      new_intent = true;
    }
    todo.emplace_back(&object, std::move(sha));
  }
  GeneratedSecrets generated;
  for (const auto& [object, sha] : todo) TRY_VOID(CollectGenerated(*object, generated.lengths));
  TRY_VOID(MakeOrOpen(deps, context, generated));
  new_intent |= !context.pending.generated.empty();
  if (new_intent) {
    // Known before it exists: a crash between here and the apply leaves nothing unknown behind.
    store::Change change = std::move(context.pending);
    context.pending = {};
    change.operation = context.operation;
    TRY_VOID(deps.store.Commit(std::move(change)));
  }
  for (const auto& [object, sha] : todo) {
    store::ObjectRecord record = *context.FindObject(RecordOf(*object));
    auto uid =
        ApplyObject(deps.cluster, scope, WithGenerated(*object, generated.values), record.uid);
    if (!uid) {
      if (uid.error().reason == "ObjectNotOurs")
        context.EraseObject(record);  // never ours to delete
      return std::move(uid).error();
    }
    record.uid = *uid;
    record.applied_sha256 = sha;
    context.PutObject(record);
  }
  return {};
}

StageOutcome Judge(const TickDeps& deps, const TickContext& context, const Json& result) {
  (void)deps;
  const Json& verdict = result["verdict"];
  const std::string& state = verdict["state"].AsString();
  const std::string& reason = verdict["reason"].AsString();
  const std::string& message = verdict["message"].AsString();
  std::optional<store::WaitingFor> waiting_for;
  if (const Json& w = verdict["waitingFor"]; w.is_object()) {
    waiting_for = store::WaitingFor{w["kind"].AsString(), w["namespace"].AsString(),
                                    w["name"].AsString(), w["reason"].AsString(), 0};
  }
  if (state == "ready") return StageOutcome::Of(StageReady{message});
  if (state == "skipped") return StageOutcome::Of(StageSkipped{reason, message});
  if (state == "failed")
    return {{StageWaits{waiting_for, reason, message},
             StageFails{{Code::kPrecondition, reason, message}}},
            -1};
  if (state == "blocked")
    return {{StageWaits{waiting_for, reason, message},
             StageBlocks{{Code::kPrecondition, reason, message}}},
            -1};
  if (state != "progressing") {
    return FromEngineError(context.operation.stages[context.operation.stage],
                           context.engine->name(),
                           {Code::kInternal, "BadDocument",
                            "verdict.state " + Json::Quote(state) +
                                " is not one of progressing, ready, skipped, failed, blocked"});
  }
  const int64_t asked = result["retry_after_ms"].AsInt(kResyncMs);
  return Waits(std::move(waiting_for), reason, message, std::clamp<int64_t>(asked, 50, kResyncMs));
}

}  // namespace slipway::pipeline
