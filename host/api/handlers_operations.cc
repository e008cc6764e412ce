#include <algorithm>
#include <charconv>

#include "api/call.h"
#include "api/render.h"
#include "api/request.h"

namespace slipway::api {
namespace {

constexpr size_t kEventsInList = 500;
constexpr int64_t kMaxSequence = (int64_t{1} << 53) - 1;  // exact in every JSON parser

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

// The position at which a reader continues. Both values are checked. An EventSource sends the
// header by itself.
int64_t ReadAfter(const Call& call) {
  const std::string* header = call.request().Header("last-event-id");
  if (header == nullptr) return QueryInt(call.request(), "after", 0);
  int64_t out = 0;
  std::from_chars(header->data(), header->data() + header->size(), out);
  return out;
}

Reply ListEvents(const Context& context, const Call& call, int64_t after) {
  auto events = context.store.Events(call.id(), after, kEventsInList + 1);
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
    const auto rest = context.store.Events(call.id(), after, 1);
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
  context.hub.AddStream(call.id(), std::move(stream), after);
  context.log.Info(
      "http.stream",
      {{"request", call.request_id}, {"route", call.route->path}, {"caller", call.caller.name}});
  return Reply::Taken();
}

Reply ListOperations(const Context& context, const Call& call) {
  const auto page = ReadPage(context, call);
  if (!page) return Fail(context, call, page.error());
  store::OperationFilter filter;
  filter.instance_id = QueryText(call.request(), "instanceId");
  filter.state = QueryText(call.request(), "state");
  filter.verb = QueryText(call.request(), "verb");
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
  const auto last = CutToPage(*rows, *page);
  Json items = Json::MakeArray();
  for (const auto& row : *rows) items.Push(RenderOperation(row));
  return PageResponse(context, call, *page, std::move(items), last);
}

Reply GetOperation(const Context& context, const Call& call) {
  const auto operation = SeenOperation(context, call);
  if (!operation) return Fail(context, call, operation.error());
  const int64_t seconds = QueryInt(call.request(), "waitSeconds", 0);
  if (seconds == 0 || EndsWait(*operation) || context.draining) return ShowOperation(*operation);
  if (!context.hub.Reserve()) return Fail(call, TooMany());
  const auto waits = call.shared_from_this();
  context.hub.AddWaiter(
      call.id(), context.clock.SteadyMs() + seconds * 1000,
      [waits] { return waits->exchange->client_gone(); },
      [&context, waits](const Result<store::OperationRecord>& now) {
        context.finish(*waits,
                       now ? ShowOperation(*now) : Fail(context, *waits, now.error()).response);
      });
  return Reply::Taken();
}

// Runs an action on a visible operation; the service takes or refuses it.
Reply Act(const Context& context, const Call& call, decltype(&pipeline::Service::Cancel) action) {
  const auto seen = SeenOperation(context, call);
  if (!seen) return Fail(context, call, seen.error());
  const auto done = (context.service.*action)(call.id(), ActorOf(call), call.idempotency);
  if (!done) return Fail(context, call, done.error());
  http::Response out = Accepted(done->operation, RenderOperation(done->operation));
  if (done->replayed) out.headers.emplace_back("Idempotency-Replayed", "true");
  return out;
}

Reply CancelOperation(const Context& context, const Call& call) {
  return Act(context, call, &pipeline::Service::Cancel);
}

Reply RetryOperation(const Context& context, const Call& call) {
  return Act(context, call, &pipeline::Service::Retry);
}

Reply OperationEvents(const Context& context, const Call& call) {
  const auto operation = SeenOperation(context, call);
  if (!operation) return Fail(context, call, operation.error());
  const int64_t after = ReadAfter(call);
  const std::string* accept = call.request().Header("accept");
  const bool stream = accept != nullptr && accept->find("text/event-stream") != std::string::npos &&
                      call.request().method == "GET";
  return stream ? StreamEvents(context, call, *operation, after) : ListEvents(context, call, after);
}

}  // namespace

std::vector<Route> OperationRoutes() {
  const Parameter id = IdOf("operation");
  const Parameter after = {.name = "after",
                           .description = "only events after this sequence number",
                           .type = Parameter::Type::kInteger,
                           .max = kMaxSequence};
  const Parameter last = {.name = "Last-Event-ID",
                          .in = In::kHeader,
                          .description = "same meaning as after; overrides it",
                          .characters = "0-9",
                          .min = 1,
                          .max = 16};
  return {
      {.method = "GET",
       .path = "/v1/operations",
       .operation_id = "listOperations",
       .summary = "List operations",
       .parameters =
           Paged({{.name = "instanceId",
                   .description = "only of this instance",
                   .characters = id.characters,
                   .min = id.min,
                   .max = id.max},
                  {.name = "state",
                   .description = "only in this state",
                   .values = {"PENDING", "RUNNING", "WAITING", "CANCELLING", "ROLLING_BACK",
                              "BLOCKED", "SUCCEEDED", "FAILED", "CANCELLED"}},
                  {.name = "verb",
                   .description = "only of this verb",
                   .values = {"create", "restore", "drill", "delete", "repair", "backup", "restart",
                              "switchover"}}}),
       .answers = {Ok("OperationList", {"Link"})},
       .refusals = {{400, {"PageTokenMismatch"}}, {410, {"PageTokenExpired"}}},
       .handler = ListOperations},
      {.method = "GET",
       .path = "/v1/operations/{id}",
       .operation_id = "getOperation",
       .summary = "Read an operation",
       .parameters = {id,
                      {.name = "waitSeconds",
                       .description = "longest wait until the operation ends or needs a person",
                       .type = Parameter::Type::kInteger,
                       .max = 60}},
       .answers = {Ok("Operation", {"Retry-After"})},
       .refusals = {{503, {"TooManyStreams"}}},
       .handler = GetOperation},
      {.method = "POST",
       .path = "/v1/operations/{id}/cancel",
       .operation_id = "cancelOperation",
       .summary = "Stop an operation and undo it",
       .access = Access::kWrite,
       .parameters = {id, IdempotencyKeyHeader()},
       .body = NoFields(),
       .answers = {AcceptedOperation()},
       .refusals = {{400, {"IdempotencyKeyRequired"}},
                    {409, {"OperationNotCancellable"}},
                    {422, {"IdempotencyKeyReused"}}},
       .handler = CancelOperation},
      {.method = "POST",
       .path = "/v1/operations/{id}/retry",
       .operation_id = "retryOperation",
       .summary = "Resume at the failed stage; a waiting operation checks again at once",
       .access = Access::kWrite,
       .parameters = {id, IdempotencyKeyHeader()},
       .body = NoFields(),
       .answers = {AcceptedOperation()},
       .refusals = {{400, {"IdempotencyKeyRequired"}},
                    {409, {"OperationNotRetryable", "OperationInProgress", "NamespaceTaken"}},
                    {422, {"IdempotencyKeyReused"}}},
       .handler = RetryOperation},
      {.method = "GET",
       .path = "/v1/operations/{id}/events",
       .operation_id = "operationEvents",
       .summary = "Follow an operation as server-sent events, or list its events",
       .parameters = {id, after, last},
       .answers = {{.description = "OK",
                    .content = {{"text/event-stream", ""}, {"application/json", "EventList"}},
                    .headers = {"Cache-Control", "X-Accel-Buffering"}},
                   {.status = 204,
                    .description = "the operation is over; the client has its last event"}},
       .refusals = {{503, {"TooManyStreams"}}},
       .handler = OperationEvents},
  };
}

}  // namespace slipway::api
