#include "pipeline/update.h"

#include <algorithm>
#include <set>

#include "base/crypto.h"
#include "engine/inputs.h"
#include "engine/results.h"
#include "pipeline/ask.h"
#include "pipeline/quantity.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

constexpr char kVerb[] = "update", kParameters[] = "parameters", kStorage[] = "storage";
constexpr char kQuota[] = "quota", kBefore[] = "quota_before", kAfter[] = "quota_after";

Error Problem(std::string field, std::string reason, std::string message) {
  return {Code::kInvalid, std::move(reason), std::move(message), std::move(field)};
}

// Of two quantities of storage. One that nobody can read is the engine's to refuse.
bool IsLess(const Json& a, const Json& b) {
  const auto left = ParseQuantity(a.AsString()), right = ParseQuantity(b.AsString());
  return left && right && *left < *right;
}

void TakeTier(const Tier& tier, Json& spec, Findings& findings) {
  spec.Set("tier", tier.name)
      .Set("instances", tier.instances)
      .Set("memory", tier.memory)
      .Set("cpu", tier.cpu)
      .Set("pod_monitor", tier.pod_monitor);
  if (IsLess(tier.storage, std::as_const(spec)[kStorage])) {
    findings.warnings.push_back(
        {"/tier", "the storage stays at " + std::as_const(spec)[kStorage].AsString() +
                      ": it can grow, not shrink to the tier's " + tier.storage});
  } else {
    spec.Set(kStorage, tier.storage);
  }
}

// The differences between two objects; of the parameters each one by itself.
void Compare(const std::string& at, const Json& from, const Json& to,
             std::vector<SpecChange>& out) {
  std::set<std::string> names;
  for (const Json* side : {&from, &to})
    for (const auto& [name, value] : side->members()) names.insert(name);
  for (const std::string& name : names) {
    const std::string path = at + "/" + Json::EscapePointer(name);
    if (from[name] == to[name]) continue;
    if (at.empty() && name == kParameters)
      Compare(path, from[name], to[name], out);
    else
      out.push_back({path, from[name], to[name], "ROLLING_RESTART", true, ""});
  }
}

// From the one that nobody notices to the one that everybody does.
constexpr std::string_view kHows[] = {"NONE", "RELOAD", "IN_PLACE", "ROLLING_RESTART", "RECREATE"};

bool IsWorse(const std::string& a, const std::string& b) {
  return std::find(std::begin(kHows), std::end(kHows), a) >
         std::find(std::begin(kHows), std::end(kHows), b);
}

// An engine may have several words on one change: the worst of each is told.
void TakeWordOf(const Json& plan, std::vector<SpecChange>& changes) {
  for (SpecChange& change : changes) {
    std::string how;
    for (const Json& entry : plan["changes"].items()) {
      if (change.path != entry["path"].AsString()) continue;
      const std::string& said = entry["how"].AsString();
      if (how.empty() || IsWorse(said, how)) how = said;
      change.revertible = change.revertible && entry["revertible"].AsBool(true);
      if (entry["loses"].is_string()) change.loses = entry["loses"].AsString();
    }
    if (!how.empty()) change.how = how;
  }
}

std::string HashOf(const UpdatePlan& plan, const std::string& previous) {
  std::string all = previous + '\n' + plan.spec.Dump();
  for (const SpecChange& change : plan.changes)
    all += '\n' + change.path + ' ' + change.how + ' ' + change.loses;
  return Sha256Hex(all + '\n' + plan.quota_before.Dump() + plan.quota_after.Dump());
}

}  // namespace

bool UpdatePlan::Restarts() const {
  return std::any_of(changes.begin(), changes.end(), [](const SpecChange& change) {
    return change.how == "ROLLING_RESTART" || change.how == "RECREATE";
  });
}

Result<Json> ResolveUpdate(const store::InstanceRecord& instance, const Json& changes,
                           const CreateContext& context, Findings& findings) {
  std::vector<Error>& found = findings.problems;
  TRY(const Json previous, Json::Parse(instance.spec));
  Json spec = previous;
  if (const Json& name = changes["tier"]; !name.is_null()) {
    const auto& tiers = context.options.tiers;
    const auto tier = std::find_if(tiers.begin(), tiers.end(),
                                   [&](const Tier& t) { return t.name == name.AsString(); });
    if (tier == tiers.end())
      found.push_back(Problem("/tier", "UnknownTier",
                              Json::Quote(name.AsString()) + " is not one of " + TierNames(tiers)));
    else
      TakeTier(*tier, spec, findings);
  }
  for (const char* name : {"instances", kStorage, "memory", "cpu"}) {
    if (const Json& value = changes[name]; !value.is_null()) spec.Set(name, value);
  }
  if (IsLess(std::as_const(spec)[kStorage], previous[kStorage]))
    found.push_back(Problem("/storage", "StorageShrinks",
                            "storage can only grow: it is " + previous[kStorage].AsString()));
  if (const Json& parameters = changes[kParameters]; parameters.is_object())
    spec[kParameters].MergePatch(parameters);
  TRY(const auto engine, context.engines.ForName(instance.engine));
  engine::ValidateInput input;
  input.verb = kVerb;
  input.name = instance.name;
  input.ns = instance.ns;
  input.spec = std::move(spec);
  input.previous = previous;
  std::vector<Error> failures;
  const auto document = engine->Validate(input.ToJson(), &failures);
  if (!document) {
    const Error& error = document.error();
    if (error.code != Code::kInvalid) return error;
    if (failures.empty()) failures.push_back(error);
    std::move(failures.begin(), failures.end(), std::back_inserter(found));
  } else {
    TRY(engine::ValidateResult read, engine::ReadValidate(*document));
    for (const auto& warning : read.warnings)
      findings.warnings.push_back({warning.field, warning.message});
    if (found.empty()) return std::move(read.spec);
  }
  return Error{Code::kInvalid, "ValidationFailed", found.front().message, found.front().field};
}

Result<UpdatePlan> PlanUpdate(const store::InstanceRecord& instance, const Json& spec,
                              const CreateContext& context) {
  UpdatePlan out;
  TRY(const Json previous, Json::Parse(instance.spec));
  out.spec = spec;
  out.members = previous["instances"].AsInt(1);
  Compare("", previous, spec, out.changes);
  TRY(const auto engine, context.engines.ForName(instance.engine));
  engine::PlanInput input;
  input.verb = kVerb;
  input.instance = FactsOf(instance);
  input.spec = spec;
  input.previous = previous;
  TRY(const Json plan, engine->Plan(input.ToJson()));
  TakeWordOf(plan, out.changes);
  TRY(const auto last,
      context.store.LastPlanned(instance.id, VerbsWith(&VerbPolicy::counts_for_quota)));
  out.quota_before = last ? Json::ParseObject((*last).plan)[kQuota] : Json::MakeObject();
  out.quota_after = plan[kQuota];
  out.hash = HashOf(out, instance.spec);
  return out;
}

Result<Json> WithBothQuotas(Json plan, const Json& before) {
  Json most = std::as_const(plan)[kQuota];
  for (const auto& [name, value] : before.members()) {
    TRY(const int64_t had, ParseQuantity(value.AsString()));
    const Json* wants = most.Find(name);
    TRY(const int64_t wanted, ParseQuantity(wants == nullptr ? "0" : wants->AsString()));
    if (had > wanted) most.Set(name, value);
  }
  plan.Set(kBefore, before).Set(kAfter, std::as_const(plan)[kQuota]).Set(kQuota, std::move(most));
  return plan;
}

Json WithOneQuota(Json plan, bool reverted) {
  const Json& chosen = std::as_const(plan)[reverted ? kBefore : kAfter];
  if (chosen.is_object()) plan.Set(kQuota, Json(chosen));
  return plan;
}

}  // namespace slipway::pipeline
