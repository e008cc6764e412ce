#include <algorithm>
#include <utility>

#include <slipway/kit/verdict.h>

namespace slipway::kit {

namespace {

constexpr int64_t kPollMs = 15000;  // for changes that no watch reports

const char* NameOf(VerdictState state) {
  switch (state) {
    case VerdictState::kProgressing:
      return "progressing";
    case VerdictState::kReady:
      return "ready";
    case VerdictState::kSkipped:
      return "skipped";
    case VerdictState::kFailed:
      return "failed";
    case VerdictState::kBlocked:
      return "blocked";
  }
  return "";
}

}  // namespace

Json Judgement::ToJson() const {
  Json out = Json::Obj({{"state", NameOf(state)}});
  if (!reason.empty()) out.Set("reason", reason);
  if (!message.empty()) out.Set("message", message);
  if (percent >= 0) out.Set("percent", percent);
  if (!waiting_for.IsNull()) out.Set("waitingFor", waiting_for);
  return out;
}

Judgement Progress(std::string reason, std::string message, int percent, Json waiting_for) {
  return {VerdictState::kProgressing, std::move(reason), std::move(message), percent,
          std::move(waiting_for)};
}

Judgement Ready(std::string reason, std::string message) {
  return {VerdictState::kReady, std::move(reason), std::move(message), 100, {}};
}

Judgement Failed(std::string reason, std::string message) {
  return {VerdictState::kFailed, std::move(reason), std::move(message), -1, {}};
}

Judgement Blocked(std::string reason, std::string message, int percent, Json waiting_for) {
  return {VerdictState::kBlocked, std::move(reason), std::move(message), percent,
          std::move(waiting_for)};
}

Json WaitingFor(const std::string& kind, const std::string& ns, const std::string& name,
                const std::string& reason) {
  return Json::Obj({{"kind", kind}, {"namespace", ns}, {"name", name}, {"reason", reason}});
}

Json WaitingFor(const Json& object, const std::string& reason) {
  return WaitingFor(object["kind"].AsString(), object["metadata"]["namespace"].AsString(),
                    object["metadata"]["name"].AsString(), reason);
}

Json Result(const Judgement& judgement) {
  Json out = Json::Obj({{"schema", 1}, {"verdict", judgement.ToJson()}});
  if (judgement.state == VerdictState::kProgressing) out.Set("retry_after_ms", kPollMs);
  return out;
}

Json Applying(const Judgement& judgement, Json objects) {
  return Result(judgement).Set("apply", std::move(objects));
}

Json Skip(const std::string& reason, const std::string& message) {
  return Result({VerdictState::kSkipped, reason, message, -1, {}});
}

const Json& Condition(const Json& object, std::string_view type) {
  static const Json kNone;
  for (const Json& condition : object.At("status/conditions").items()) {
    if (condition["type"].AsString() == type) return condition;
  }
  return kNone;
}

bool IsTrue(const Json& condition) {
  return condition["status"].AsString() == "True";
}

bool Known(const Json& input, const std::string& kind) {
  return input["facts"]["kinds"][kind].AsBool(true);
}

bool InInventory(const Json& input, std::string_view kind) {
  const auto& all = input["inventory"].items();
  return std::any_of(all.begin(), all.end(),
                     [&](const Json& ref) { return ref["kind"].AsString() == kind; });
}

const Json& InventoryLine(const Json& input, std::string_view kind, std::string_view name) {
  static const Json kNone;
  for (const Json& line : input["inventory"].items()) {
    if (line["kind"].AsString() == kind && line["name"].AsString() == name) return line;
  }
  return kNone;
}

int Percent(int64_t part, int64_t whole) {
  return static_cast<int>(std::clamp<int64_t>(part * 100 / std::max<int64_t>(whole, 1), 0, 99));
}

}  // namespace slipway::kit
