#include <algorithm>
#include <charconv>

#include "api/call.h"
#include "api/render.h"
#include "api/request.h"

namespace slipway::api {
namespace {

constexpr size_t kEventsInList = 500;
constexpr int64_t kMaxWaitSeconds = 60;

http::Response ShowOperation(const store::OperationRecord& operation) {
  http::Pairs headers = {{"Cache-Control", "no-cache"}};
  if (!store::IsTerminal(operation.state)) headers.emplace_back("Retry-After", "2");
  return JsonResponse(200, RenderOperation(operation), std::move(headers));
}

Problem TooMany() {
  Problem out;
  out.status = 503;
  out.code = "TOO_MANY_STREAMS";
  out.detail = "too many event streams and long polls are open";
  out.retryable = true;
  out.retry_after_seconds = 5;
  return out;
}

// A POST that only acts has no body, or an empty object.
std::optional<Reply> CheckAction(const Context& context, const Call& call) {
  Json body = Json::MakeObject();
  if (!call.request().body.empty()) {
    if (!HasContentType(call.request(), "application/json")) {
      return Fail(call, FromStatus(415, "the body must be application/json, or absent"));
    }
    auto parsed = ParseBody(call.request());
    if (!parsed) return Fail(context, call, parsed.error());
    body = *std::move(parsed);
    if (!body.is_object()) {
      return Fail(context, call,
                  {Code::kInvalid, "ValidationFailed",
                   "the body must be an object without fields, or absent"});
    }
    std::vector<Error> wrong;
    for (const auto& [name, value] : body.members()) {
      wrong.push_back({Code::kInvalid, "UnknownField", "is not a field of this request",
                       "/" + Json::EscapePointer(name)});
    }
    if (!wrong.empty())
      return Fail(context, call,
                  {Code::kInvalid, "ValidationFailed",
                   "the body must be an object without fields, or absent"},
                  wrong);
  }
  const auto key = ReadIdempotencyKey(context, call, body);
  if (!key) return Fail(context, call, key.error());
  return std::nullopt;
}

Result<int64_t> ReadAfter(const Call& call) {
  const std::string* header = call.request().Header("last-event-id");
  if (header == nullptr || header->empty()) return QueryInt(call.request(), "after", 0);
  int64_t out = 0;
  const auto [end, error] = std::from_chars(header->data(), header->data() + header->size(), out);
  if (error != std::errc() || end != header->data() + header->size() || out < 0) {
    return Error{Code::kInvalid, "Malformed", "Last-Event-ID must be the id of an event"};
  }
  return out;
}

Reply ListEvents(const Context& context, const Call& call, int64_t after) {
  auto events = context.store.Events(call.id, after, kEventsInList + 1);
  if (!events) return Fail(context, call, events.error());
  const bool more = events->size() > kEventsInList;
  if (more) events->resize(kEventsInList);
  Json items = Json::MakeArray();
  for (const auto& event : *events) items.Push(RenderEvent(event));
  Json body = Json::Obj({{"items", std::move(items)}});
  if (more) body.Set("nextAfter", events->back().seq);
  return JsonResponse(200, body, {{"Cache-Control", "no-store"}});
}

Reply StreamEvents(const Context& context, const Call& call,
                   const store::OperationRecord& operation, int64_t after) {
  if (store::IsTerminal(operation.state) && after > 0) {
    const auto rest = context.store.Events(call.id, after, 1);
    if (!rest) return Fail(context, call, rest.error());
    if (rest->empty()) {
      http::Response over;  // tells an EventSource to stop
      over.status = 204;
      over.content_type.clear();
      return over;
    }
  }
  if (!context.hub.Reserve()) return Fail(call, TooMany());
  const http::Pairs headers = {{"Cache-Control", "no-store"},
                               {"X-Accel-Buffering", "no"},
                               {"X-Request-Id", call.request_id}};
  auto stream = call.exchange->StartStream(200, "text/event-stream", headers);
  if (!stream) {
    context.hub.Release();
    return Reply::Taken();
  }
  stream->Write("retry: 3000\n\n" + SseFrame("snapshot", RenderOperation(operation), 0));
  context.hub.AddStream(call.id, std::move(stream), after);
  context.log.Info(
      "http.stream",
      {{"request", call.request_id}, {"route", call.route->path}, {"caller", call.caller.name}});
  return Reply::Taken();
}

}  // namespace

Reply ListOperations(const Context& context, const Call& call) {
  const auto page = ReadPage(context, call);
  if (!page) return Fail(context, call, page.error());
  const auto text = [&](const char* name) {
    const std::string* value = call.request().Query(name);
    return value != nullptr ? *value : std::string();
  };
  store::OperationFilter filter;
  filter.instance_id = text("instanceId");
  filter.state = text("state");
  filter.verb = text("verb");
  filter.before_created_ms = page->after.created_ms;
  filter.before_id = page->after.id;
  filter.limit = page->size + 1;
  if (!call.caller.all_organizations) {
    filter.organizations = call.caller.organizations;
    if (filter.organizations.empty())
      return PageResponse(context, call, *page, Json::MakeArray(), std::nullopt);
  }
  auto rows = context.store.ListOperations(filter);
  if (!rows) return Fail(context, call, rows.error());
  std::optional<PagePosition> last;
  if (rows->size() > page->size) {
    rows->resize(page->size);
    last = PagePosition{rows->back().created_ms, rows->back().id};
  }
  Json items = Json::MakeArray();
  for (const auto& row : *rows) items.Push(RenderOperation(row));
  return PageResponse(context, call, *page, std::move(items), last);
}

Reply GetOperation(const Context& context, const std::shared_ptr<Call>& call) {
  const auto operation = SeenOperation(context, *call);
  if (!operation) return Fail(context, *call, operation.error());
  const int64_t seconds = std::min(QueryInt(call->request(), "waitSeconds", 0), kMaxWaitSeconds);
  if (seconds == 0 || EndsWait(*operation) || context.draining) return ShowOperation(*operation);
  if (!context.hub.Reserve()) return Fail(*call, TooMany());
  context.hub.AddWaiter(
      call->id, context.clock.SteadyMs() + seconds * 1000,
      [call] { return call->exchange->client_gone(); },
      [&context, call](const Result<store::OperationRecord>& now) {
        context.finish(*call,
                       now ? ShowOperation(*now) : Fail(context, *call, now.error()).response);
      });
  return Reply::Taken();
}

Reply CancelOperation(const Context& context, const Call& call) {
  if (auto refused = CheckAction(context, call)) return *std::move(refused);
  if (const auto seen = SeenOperation(context, call); !seen)
    return Fail(context, call, seen.error());
  const auto operation = context.service.Cancel(call.id);
  if (!operation) {
    Error error = operation.error();
    if (error.reason == "NotCancellable") error.reason = "OperationNotCancellable";
    return Fail(context, call, error);
  }
  return Accepted(*operation, RenderOperation(*operation));
}

Reply RetryOperation(const Context& context, const Call& call) {
  if (auto refused = CheckAction(context, call)) return *std::move(refused);
  if (const auto seen = SeenOperation(context, call); !seen)
    return Fail(context, call, seen.error());
  const auto operation = context.service.Retry(call.id);
  if (!operation) {
    Error error = operation.error();
    if (error.reason == "NotRetryable") error.reason = "OperationNotRetryable";
    return Fail(context, call, error);
  }
  return Accepted(*operation, RenderOperation(*operation));
}

Reply OperationEvents(const Context& context, const Call& call) {
  const auto operation = SeenOperation(context, call);
  if (!operation) return Fail(context, call, operation.error());
  const auto after = ReadAfter(call);
  if (!after) return Fail(context, call, after.error());
  const std::string* accept = call.request().Header("accept");
  const bool stream = accept != nullptr && accept->find("text/event-stream") != std::string::npos &&
                      call.request().method == "GET";
  return stream ? StreamEvents(context, call, *operation, *after)
                : ListEvents(context, call, *after);
}

}  // namespace slipway::api
