#include <algorithm>

#include <slipway/kit/verdict.h>

namespace slipway::kit {

namespace {

constexpr int64_t kPollMs = 15000;  // for what no watch reports

}  // namespace

Json Judgement::ToJson() const {
  Json out = Json::Obj({{"state", state}});
  if (!reason.empty()) out.Set("reason", reason);
  if (!message.empty()) out.Set("message", message);
  if (percent >= 0) out.Set("percent", percent);
  if (!waiting_for.IsNull()) out.Set("waitingFor", waiting_for);
  return out;
}

Json WaitingFor(const char* kind, const std::string& ns, const std::string& name,
                const std::string& reason) {
  return Json::Obj({{"kind", kind}, {"namespace", ns}, {"name", name}, {"reason", reason}});
}

Json WaitingFor(const Json& object, const std::string& reason) {
  return WaitingFor(object["kind"].AsString().c_str(), object["metadata"]["namespace"].AsString(),
                    object["metadata"]["name"].AsString(), reason);
}

Json Result(const Judgement& judgement) {
  Json out = Json::Obj({{"schema", 1}, {"verdict", judgement.ToJson()}});
  if (judgement.state == "progressing") out.Set("retry_after_ms", kPollMs);
  return out;
}

Json Skip(const char* reason, const std::string& message) {
  return Result({"skipped", reason, message, -1, {}});
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

int Percent(int64_t part, int64_t whole) {
  return static_cast<int>(std::clamp<int64_t>(part * 100 / std::max<int64_t>(whole, 1), 0, 99));
}

Json SkipMetrics(const Json& input) {
  const Json& spec = input["spec"];
  if (!spec["pod_monitor"].AsBool())
    return Skip("TierExcludesMetrics",
                "the tier " + spec["tier"].AsString() + " has no PodMonitor");
  if (!Known(input, "monitoring.coreos.com/v1/PodMonitor"))
    return Skip("PodMonitorCrdMissing",
                "the cluster does not know PodMonitor: install the Prometheus operator");
  return {};
}

}  // namespace slipway::kit
