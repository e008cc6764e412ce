#include "pipeline/ask.h"

#include <algorithm>

#include "pipeline/effects.h"

namespace slipway::pipeline {
namespace {

constexpr int kNeedRounds = 4;
constexpr size_t kMostListed = 500;

// What the cluster serves of the kinds that the engine named. An unanswered question is an error.
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

// An engine sees the key names of a Secret, never a value.
Json Shown(Json found, const std::string& kind, const std::string& ns) {
  if (found.is_null() || kind != "Secret") return found;
  Json keys = Json::MakeArray();
  for (const auto& [key, value] : found["data"].members()) keys.Push(key);
  return Json::Obj(
      {{"metadata", Json::Obj({{"name", found["metadata"]["name"]}, {"namespace", ns}})},
       {"keys", keys}});
}

// The newest objects with the label; null when the cluster does not know the kind.
Result<Json> FetchList(kube::Cluster& cluster, const std::string& ns, const engine::Need& need) {
  auto found =
      cluster.List(need.api_version, need.kind, ns, {.label_selector = need.label_selector});
  if (!found && found.error().code == Code::kNotFound) return Json();
  if (!found) return std::move(found).error();
  const auto made = [](const Json& object) -> const std::string& {
    return object["metadata"]["creationTimestamp"].AsString();
  };
  std::stable_sort(found->items.begin(), found->items.end(),
                   [&](const Json& a, const Json& b) { return made(a) > made(b); });
  Json items = Json::MakeArray();
  for (size_t i = 0; i < std::min(found->items.size(), kMostListed); ++i)
    items.Push(Shown(std::move(found->items[i]), need.kind, ns));
  return Json::Obj({{"items", std::move(items)}});
}

Result<Json> FetchNeed(kube::Cluster& cluster, const std::string& ns, const engine::Need& need) {
  if (!need.label_selector.empty()) return FetchList(cluster, ns, need);
  TRY(Json found, GetOrNull(cluster, {need.api_version, need.kind, ns, need.name}));
  return Shown(std::move(found), need.kind, ns);
}

}  // namespace

engine::InstanceFacts FactsOf(const store::InstanceRecord& instance) {
  return {instance.id,   instance.name,         instance.ns,
          instance.seed, instance.organization, instance.project};
}

Result<void> FillFrom(const store::OperationRecord& operation, engine::StepInput& input) {
  input.operation_id = operation.id;
  input.operation_started_ms = operation.started_ms;
  TRY(input.spec, Json::Parse(operation.spec));
  TRY(input.arguments, Json::Parse(operation.arguments));
  if (!operation.previous_spec.empty()) {
    TRY(input.previous, Json::Parse(operation.previous_spec));
  }
  if (!operation.plan.empty()) {
    TRY(const Json plan, Json::Parse(operation.plan));
    if (plan["carry"].is_object()) input.carry = plan["carry"];
  }
  return {};
}

bool Ask(const AskDeps& deps, engine::Engine& engine, engine::StepInput& input, Answer& answer,
         AskFailure& failure) {
  const Json& description = engine.description();
  const auto failed = [&](AskFailure::Side side, Error error) {
    failure = {side, std::move(error)};
    return false;
  };
  const auto observe = [&]() -> Result<void> {
    return deps.observer.Collect(input.instance.id, description["watches"], input.observed);
  };
  const auto cannot_see = [&](const Error& error) {
    const bool empty = error.reason == "CacheNotSynced";
    return failed(empty ? AskFailure::Side::kCache : AskFailure::Side::kCluster, error);
  };
  if (auto seen = observe(); !seen) return cannot_see(seen.error());
  auto facts = Facts(deps.cluster, description);
  if (!facts) return failed(AskFailure::Side::kCluster, facts.error());
  input.facts = *std::move(facts);
  for (int round = 0; round < kNeedRounds; ++round) {
    const auto document = engine.Step(input.ToJson());
    if (!document) return failed(AskFailure::Side::kEngine, document.error());
    auto result = engine::ReadStep(*document);
    if (!result) return failed(AskFailure::Side::kEngine, result.error());
    bool asked = false;
    for (const auto& [name, need] : result->need) {
      if (std::as_const(input.needs).Has(name)) continue;
      auto value = FetchNeed(deps.cluster, input.instance.ns, need);
      if (!value) return failed(AskFailure::Side::kCluster, value.error());
      input.needs.Set(name, *std::move(value));
      asked = true;
    }
    if (!asked) {
      answer = {*std::move(result), std::move(input.observed)};
      return true;
    }
    // A slow fetch leaves what was observed before it old.
    if (auto seen = observe(); !seen) return cannot_see(seen.error());
  }
  return failed(
      AskFailure::Side::kEngine,
      {Code::kInternal, "NeedLoop", "the engine asked for something new in each of four rounds"});
}

}  // namespace slipway::pipeline
