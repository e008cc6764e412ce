#include <algorithm>

#include "api/problem.h"
#include "api/render.h"
#include "base/clock.h"
#include "pipeline/lifecycle.h"
#include "pipeline/verbs.h"

namespace slipway::api {
namespace {

using store::OperationRecord;
using store::OperationState;
using store::StageRecord;

// `reason` comes from the awaited party, often Kubernetes, so we do not change it.
Json RenderWaiting(const store::WaitingFor& waiting) {
  Json out = Json::Obj({{"kind", waiting.kind}});
  SetText(out, "namespace", waiting.ns);
  SetText(out, "name", waiting.name);
  SetText(out, "reason", waiting.reason);
  SetText(out, "message", waiting.message);
  SetTime(out, "since", waiting.since_ms);
  return out;
}

// Renders the pipeline's {code, reason, message, stage?, waitingFor?}.
Json RenderError(const Json& error, const std::string& fallback_code) {
  const std::string code = UpperSnake(error["reason"].AsString());
  Json out = Json::Obj(
      {{"code", code.empty() ? fallback_code : code}, {"message", error["message"].AsString()}});
  SetText(out, "stage", error["stage"].AsString());
  SetText(out, "pointer", error["field"].AsString());
  const Json& waiting = error["waitingFor"];
  if (waiting.is_object()) {
    Json known = Json::MakeObject();
    for (const char* name : {"kind", "namespace", "name", "reason", "message", "since"}) {
      if (waiting[name].is_string()) known.Set(name, waiting[name]);
    }
    out.Set("waitingFor", std::move(known));
  }
  return out;
}

Json RenderStage(const StageRecord& stage) {
  Json out = Json::Obj({{"name", stage.name}, {"state", store::Name(stage.state)}});
  SetTime(out, "startedAt", stage.started_ms);
  SetTime(out, "finishedAt", stage.finished_ms);
  out.Set("attempts", stage.attempts);
  SetText(out, "reason", UpperSnake(stage.reason));
  SetText(out, "message", stage.message);
  if (stage.waiting_for) out.Set("waitingFor", RenderWaiting(*stage.waiting_for));
  if (stage.error.is_object()) out.Set("lastError", RenderError(stage.error, "INTERNAL"));
  return out;
}

std::string MessageOf(const StageRecord& stage) {
  if (!stage.message.empty() || !stage.waiting_for) return stage.message;
  const auto& waiting = *stage.waiting_for;
  std::string out = "waiting for " + waiting.kind;
  if (!waiting.name.empty()) out += " " + waiting.name;
  if (!waiting.reason.empty()) out += ": " + waiting.reason;
  return out;
}

Json RenderProgress(const OperationRecord& operation) {
  const auto own = [](const StageRecord& s) { return !s.rollback; };
  const auto& stages = operation.stages;
  const auto count = std::count_if(stages.begin(), stages.end(), own);
  const size_t at = std::min(operation.stage, stages.empty() ? 0 : stages.size() - 1);
  const auto before =
      std::count_if(stages.begin(), stages.begin() + static_cast<std::ptrdiff_t>(at), own);
  Json out = Json::Obj({{"stage", stages.empty() ? "" : stages[at].name},
                        {"stageIndex", std::min<int64_t>(before, std::max<int64_t>(count - 1, 0))},
                        {"stageCount", static_cast<int64_t>(count)}});
  if (!stages.empty()) SetText(out, "message", MessageOf(stages[at]));
  return out;
}

const char* RollbackState(const OperationRecord& operation) {
  if (operation.rollback_outcome == "COMPLETE") return "COMPLETE";
  if (operation.rollback_outcome == "PARTIAL") return "PARTIAL";
  if (operation.rollback_outcome == "RETAINED") return "RETAINED";
  return operation.state == OperationState::kBlocked ? "BLOCKED" : "RUNNING";
}

Json RenderRemnants(const OperationRecord& operation) {
  Json remnants = Json::MakeArray();
  for (const Json& object : operation.remnants.items()) {
    Json known = Json::MakeObject();
    for (const char* name : {"apiVersion", "kind", "namespace", "name"}) {
      if (object[name].is_string()) known.Set(name, object[name]);
    }
    remnants.Push(std::move(known));
  }
  return remnants;
}

Json RenderRollback(const OperationRecord& operation) {
  Json steps = Json::MakeArray();
  for (const StageRecord& stage : operation.stages) {
    if (stage.rollback) steps.Push(RenderStage(stage));
  }
  Json out = Json::Obj({{"state", RollbackState(operation)},
                        {"steps", std::move(steps)},
                        {"remnants", RenderRemnants(operation)}});
  // What an update could not take back.
  Json kept = Json::MakeArray();
  for (const std::string& path : pipeline::KeptByRevert(operation)) kept.Push(path);
  if (!kept.empty()) out.Set("kept", std::move(kept));
  return out;
}

}  // namespace

Json RenderOperation(const OperationRecord& operation) {
  const bool done = store::IsTerminal(operation.state);
  const Json target = Json::Obj({{"kind", "Instance"},
                                 {"id", operation.instance_id},
                                 {"path", InstancePath(operation.instance_id)}});
  Json out = Json::Obj({{"id", operation.id},
                        {"kind", "Operation"},
                        {"path", OperationPath(operation.id)},
                        {"verb", operation.verb},
                        {"target", target},
                        {"requestedBy", operation.requested_by},
                        {"requestId", operation.request_id},
                        {"state", store::Name(operation.state)},
                        {"done", done},
                        {"cancellable", pipeline::MayCancel(operation)},
                        {"onFailure", operation.on_failure},
                        {"createdAt", FormatTime(operation.created_ms)}});
  SetTime(out, "startedAt", operation.started_ms);
  SetTime(out, "finishedAt", operation.finished_ms);
  out.Set("progress", RenderProgress(operation));
  Json stages = Json::MakeArray();
  for (const StageRecord& stage : operation.stages) {
    if (!stage.rollback) stages.Push(RenderStage(stage));
  }
  out.Set("stages", std::move(stages));
  if (!operation.rollback_reason.empty() || !operation.rollback_outcome.empty()) {
    out.Set("rollback", RenderRollback(operation));
  }
  if (pipeline::PolicyOf(operation.verb).ends_instance && !operation.remnants.items().empty())
    out.Set("retained", RenderRemnants(operation));
  if (operation.state == OperationState::kSucceeded) {
    out.Set("result", target);
  } else if (done || operation.error.is_object()) {
    Json error = RenderError(operation.error, store::Name(operation.state));
    SetText(error, "rollback", operation.rollback_outcome);
    out.Set("error", std::move(error));
  }
  return out;
}

Json RenderDrill(const OperationRecord& operation, const store::InstanceRecord& copy) {
  const auto arguments = Json::Parse(operation.arguments);
  const auto parsed = Json::Parse(copy.outputs);
  const Json given = arguments ? *arguments : Json::MakeObject();
  const Json outputs = parsed ? *parsed : Json::MakeObject();
  const auto time = [](int64_t ms) { return ms > 0 ? Json(FormatTime(ms)) : Json(); };
  Json out = Json::Obj({{"id", operation.id},
                        {"kind", "RestoreDrill"},
                        {"operation", OperationPath(operation.id)},
                        {"instanceId", operation.source}});
  const std::string& backup = given["drill"]["backup"].AsString();
  out.Set("backupId", backup.empty() ? Json() : Json(backup));
  out.Set("target", given["source"]["target"]);
  out.Set("state", !store::IsTerminal(operation.state)             ? "RUNNING"
                   : operation.state == OperationState::kSucceeded ? "PASSED"
                                                                   : store::Name(operation.state));
  out.Set("startedAt", time(operation.started_ms)).Set("finishedAt", time(operation.finished_ms));
  // A login is the last thing that a recovery waits for.
  Json recovery;
  for (const StageRecord& stage : operation.stages) {
    const bool ready = stage.state == store::StageState::kSucceeded ||
                       stage.state == store::StageState::kCompensated;
    if (stage.name == pipeline::stage::kCredentialGen && ready)
      recovery = static_cast<double>(stage.finished_ms - operation.started_ms) / 1000;
  }
  out.Set("recoverySeconds", std::move(recovery));
  const Json& proof = outputs["login_proof"];
  out.Set("login", proof.is_object() ? RenderProof(proof) : Json());
  out.Set("checks", outputs["checks"].is_array() ? outputs["checks"] : Json::MakeArray());
  const bool failed = store::IsTerminal(operation.state) && operation.error.is_object();
  out.Set("error", failed ? RenderError(operation.error, store::Name(operation.state)) : Json());
  return out;
}

Json RenderEvent(const store::EventRecord& event) {
  auto data = Json::Parse(event.data);
  return Json::Obj({{"seq", event.seq},
                    {"operationId", event.operation_id},
                    {"at", FormatTime(event.at_ms)},
                    {"type", event.type},
                    {"data", data && data->is_object() ? *std::move(data) : Json::MakeObject()}});
}

}  // namespace slipway::api
