#include "pipeline/failures.h"

#include <string_view>
#include <vector>

#include "base/backoff.h"
#include "pipeline/quota.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

constexpr int kEngineTries = 5;
constexpr BackoffPolicy kClusterBackoff{250, 10'000};
constexpr BackoffPolicy kEngineBackoff{1000, 60'000};

StageOutcome Retries(const Error& error, store::WaitingFor waiting_for, int64_t delay_ms) {
  if (waiting_for.message.empty()) waiting_for.message = error.message;
  return {{StageRetries{error, std::move(waiting_for)}}, delay_ms, false};
}

bool Says(const Error& error, std::string_view text) {
  return error.message.find(text) != std::string::npos;
}

// exceeded quota: NAME, requested: …
std::string QuotaName(const Error& error) {
  constexpr std::string_view kMark = "exceeded quota: ";
  const size_t at = error.message.find(kMark);
  if (at == std::string::npos) return {};
  const size_t begin = at + kMark.size();
  return error.message.substr(begin, error.message.find(',', begin) - begin);
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

StageOutcome Waits(store::WaitingFor waiting_for, std::string reason, std::string message,
                   int64_t delay_ms) {
  return {
      {StageWaits{std::move(waiting_for), std::move(reason), std::move(message)}}, delay_ms, false};
}

// RBAC refuses in these words, in 1.35 as in all releases since 1.12: … cannot patch resource
// "clusters" in API group "db.example.org" in the namespace "acme-orders" (or: at the cluster
// scope). It refuses to give rights that the giver does not have in these: … is attempting to grant
// RBAC permissions not currently held:, then one line per rule:
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

StageOutcome FromClusterError(Tick& tick, const Error& error) {
  const int64_t delay = BackoffMs(kClusterBackoff, tick.stage().attempts, error.retry_after_ms);
  const std::string& ns = tick.instance().ns;
  switch (error.code) {
    case Code::kNotFound:
      // Somebody deleted the namespace under the operation: nothing in it can be made any more.
      if (Says(error, "namespaces \"" + ns + "\" not found"))
        return StageOutcome::Of(
            StageFails{{Code::kPrecondition, "NamespaceGone",
                        "the namespace " + ns + " was deleted while the operation worked in it"}});
      return Retries(error, {"APIServer", "", "", error.reason}, delay);
    case Code::kInvalid:
    case Code::kPrecondition:
    case Code::kUnsupported:
    case Code::kInternal:
      return StageOutcome::Of(StageFails{error});
    case Code::kForbidden:
      if (Says(error, "because it is being terminated"))
        return Retries(error, {"Namespace", "", ns, "Terminating"}, delay);
      return Retries(error, PermissionWait(error), delay);
    case Code::kUnauthenticated:
      return Retries(error, PermissionWait(error), delay);
    case Code::kExhausted:
      return Retries(error, {kResourceQuota, ns, QuotaName(error), "Exceeded"}, delay);
    default: {
      StageOutcome out = Retries(error, {"APIServer", "", "", error.reason}, delay);
      // Refusing this one call is an answer; not to be there is none.
      out.blind = (error.code == Code::kUnavailable || error.code == Code::kDeadline) &&
                  !tick.deps().cluster.Ping();
      return out;
    }
  }
}

bool CannotBeAsked(const Error& error) {
  return error.code == Code::kUnavailable || error.reason == "EngineCrashed" ||
         error.reason == "InputTooLarge" || error.reason == "EngineUnknown";
}

StageOutcome FromEngineError(Tick& tick, const Error& error) {
  const store::WaitingFor engine{"Engine", "", tick.instance().engine, error.reason};
  const auto blocks = [&] {
    return StageOutcome{
        {StageWaits{engine, error.reason, error.message}, StageBlocks{error}}, -1, false};
  };
  if (error.reason == "EngineCrashed" || error.reason == "InputTooLarge") return blocks();
  switch (error.code) {
    case Code::kUnavailable:
      return Retries(error, engine, kResyncMs);
    case Code::kInvalid:
    case Code::kUnsupported:
      return StageOutcome::Of(StageFails{error});
    case Code::kPrecondition:
      if (!error.retryable) return StageOutcome::Of(StageFails{error});
      break;
    default:
      break;
  }
  if (tick.stage().attempts + 1 >= kEngineTries) return StageOutcome::Of(StageBlocks{error});
  return Retries(error, engine,
                 BackoffMs(kEngineBackoff, tick.stage().attempts, error.retry_after_ms));
}

Error DeadlineExceeded(const store::StageRecord& stage, int64_t limit_ms) {
  std::string message = stage.name + " did not finish in " + std::to_string(limit_ms / 1000) + " s";
  if (const auto& waiting = stage.waiting_for) {
    message += "; it waited for " + waiting->kind;
    if (!waiting->name.empty()) message += " " + waiting->name;
    message += ": " + waiting->reason;
    if (!waiting->message.empty() && waiting->message != waiting->reason)
      message += ": " + waiting->message;
  }
  return {Code::kDeadline, "StageDeadlineExceeded", std::move(message)};
}

}  // namespace slipway::pipeline
