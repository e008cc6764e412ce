#include "engine/results.h"

#include <iterator>

#include "engine/documents.h"
#include "engine/text.h"

namespace slipway::engine {
namespace {

constexpr size_t kMaxMessage = 4096, kMaxWaitingFor = 512;
constexpr const char* kStates[] = {"progressing", "ready", "skipped", "failed", "blocked"};

Json ObjectOf(const Json& value) {
  return value.is_object() ? value : Json::MakeObject();
}

ObjectRef RefOf(const Json& value) {
  return {value["apiVersion"].AsString(), value["kind"].AsString(), value["namespace"].AsString(),
          value["name"].AsString()};
}

std::string Message(const Json& value) {
  return Shortened(value.AsString(), kMaxMessage);
}

std::string WaitingText(const Json& value) {
  return Shortened(value.AsString(), kMaxWaitingFor);
}

Verdict VerdictOf(const Json& value) {
  Verdict out;
  for (size_t i = 0; i < std::size(kStates); ++i) {
    if (value["state"].AsString() == kStates[i]) out.state = static_cast<Verdict::State>(i);
  }
  out.reason = value["reason"].AsString();
  out.message = Message(value["message"]);
  if (const Json& waiting = value["waitingFor"]; waiting.is_object()) {
    out.waiting_for =
        Verdict::WaitingFor{WaitingText(waiting["kind"]), WaitingText(waiting["namespace"]),
                            WaitingText(waiting["name"]), WaitingText(waiting["reason"])};
  }
  if (value.Has("percent")) out.percent = value["percent"].AsInt();
  return out;
}

}  // namespace

const char* VerdictStateName(Verdict::State state) {
  return kStates[static_cast<size_t>(state)];
}

Result<ValidateResult> ReadValidate(const Json& document) {
  TRY_VOID(CheckValidate(document));
  ValidateResult out;
  out.spec = document["spec"];
  for (const Json& warning : document["warnings"].items())
    out.warnings.push_back({warning["field"].AsString(), Message(warning["message"])});
  return out;
}

Result<PlanResult> ReadPlan(const Json& document) {
  TRY_VOID(CheckPlan(document));
  PlanResult out;
  Json stages = Json::MakeArray();
  for (const Json& entry : document["stages"].items()) {
    PlanResult::Stage stage{entry["name"].AsString(), entry["title"].AsString(), std::nullopt};
    Json kept = Json::Obj({{"name", stage.name}, {"title", stage.title}});
    if (const Json& skip = entry["skip"]; skip.is_object()) {
      stage.skip = PlanResult::Skip{skip["reason"].AsString(), Message(skip["message"])};
      kept.Set("skip",
               Json::Obj({{"reason", stage.skip->reason}, {"message", stage.skip->message}}));
    }
    stages.Push(std::move(kept));
    out.stages.push_back(std::move(stage));
  }
  Json changes = Json::MakeArray();
  for (const Json& entry : document["changes"].items()) {
    Json change = Json::Obj({{"path", entry["path"]}, {"how", entry["how"]}});
    if (!entry["revertible"].AsBool(true)) change.Set("revertible", false);
    if (entry["loses"].is_string()) change.Set("loses", Message(entry["loses"]));
    changes.Push(std::move(change));
  }
  out.quota = ObjectOf(document["quota"]);
  out.carry = ObjectOf(document["carry"]);
  out.text = Json::Obj({{"schema", 1},
                        {"stages", std::move(stages)},
                        {"quota", out.quota},
                        {"changes", std::move(changes)},
                        {"carry", out.carry}})
                 .Dump();
  return out;
}

Result<StepResult> ReadStep(const Json& document) {
  TRY_VOID(CheckStep(document));
  StepResult out;
  for (const Json& object : document["apply"].items())
    out.effects.emplace_back(ApplyEffect{object});
  for (const Json& patch : document["patch"].items())
    out.effects.emplace_back(PatchEffect{RefOf(patch), patch["subresource"].AsString(),
                                         patch["resource_version"].AsString(), patch["body"]});
  for (const Json& object : document["delete"].items())
    out.effects.emplace_back(DeleteEffect{RefOf(object)});
  out.verdict = VerdictOf(document["verdict"]);
  if (document.Has("retry_after_ms")) out.retry_after_ms = document["retry_after_ms"].AsInt();
  for (const auto& [name, wanted] : document["need"].members())
    out.need[name] = {RefOf(wanted), wanted["labelSelector"].AsString()};
  out.outputs = ObjectOf(document["outputs"]);
  return out;
}

}  // namespace slipway::engine
