#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "api/api.h"
#include "api/auth.h"
#include "api/event_stream.h"
#include "api/page_token.h"
#include "api/problem.h"
#include "api/routes.h"

namespace slipway::api {

// One request on its way through a handler. Owned by whoever will answer it.
struct Call {
  std::shared_ptr<http::Exchange> exchange;
  const Route* route = nullptr;  // null: no route matched
  std::string id;                // the path's parameter, "" when there is none
  std::string request_id;
  Caller caller;
  int64_t started_ms = 0;

  const http::Request& request() const { return exchange->request(); }
};

// What a handler gives back: an answer, or nothing because somebody else will answer.
struct Reply {
  enum class Kind { kResponse, kTaken };
  Kind kind = Kind::kResponse;
  http::Response response = {};

  Reply(http::Response r) : response(std::move(r)) {}  // NOLINT(google-explicit-constructor)

  static Reply Taken() {
    Reply out{http::Response{}};
    out.kind = Kind::kTaken;
    return out;
  }
};

// What the handlers work with. Immutable but for what it refers to.
struct Context {
  const ApiOptions& options;
  pipeline::Service& service;
  store::Store& store;
  engine::Registry& engines;
  const Clock& clock;
  Logger& log;
  Metrics& metrics;
  const PageTokens& page_tokens;
  EventHub& hub;
  const std::atomic<bool>& draining;
  const std::string& openapi;  // the document's text
  const std::string& openapi_etag;
  std::function<void(const Call&, http::Response)> finish;  // answers, logs and counts
};

http::Response JsonResponse(int status, const Json& body, http::Pairs headers = {});
// Logs what an internal error hides from the client.
Reply Fail(const Context& context, const Call& call, const Error& error,
           std::vector<Error> details = {});
Reply Fail(const Call& call, const Problem& problem);

// Calls the route's handler. On the route's lane.
Reply Dispatch(const Context& context, const std::shared_ptr<Call>& call);

// The answer to a request that made an operation.
http::Response Accepted(const store::OperationRecord& operation, const Json& body);
// Checks Idempotency-Key; nullopt without one. kInvalid "IdempotencyKeyInvalid" or
// "IdempotencyKeyRequired".
Result<std::optional<store::IdempotencyKey>> ReadIdempotencyKey(const Context& context,
                                                                const Call& call, const Json& body);

// A list's page: at most `limit` of limit + 1 read rows, Link and nextPageToken.
struct Page {
  size_t size = 50;
  PagePosition after;
  std::string filter;  // what a token is bound to
};

Result<Page> ReadPage(const Context& context, const Call& call);
http::Response PageResponse(const Context& context, const Call& call, const Page& page, Json items,
                            const std::optional<PagePosition>& last);
// An instance or operation that the caller may see; otherwise the same kNotFound as if absent.
Result<store::InstanceRecord> SeenInstance(const Context& context, const Call& call);
Result<store::OperationRecord> SeenOperation(const Context& context, const Call& call);

Reply CreateInstance(const Context& context, const Call& call);
Reply ListInstances(const Context& context, const Call& call);
Reply GetInstance(const Context& context, const Call& call);
Reply PatchInstance(const Context& context, const Call& call);
Reply DeleteInstance(const Context& context, const Call& call);
Reply GetCredentials(const Context& context, const Call& call);
Reply ListOperations(const Context& context, const Call& call);
Reply GetOperation(const Context& context, const std::shared_ptr<Call>& call);
Reply CancelOperation(const Context& context, const Call& call);
Reply RetryOperation(const Context& context, const Call& call);
Reply OperationEvents(const Context& context, const Call& call);
Reply ListEngines(const Context& context, const Call& call);
Reply GetEngine(const Context& context, const Call& call);
Reply ListTiers(const Context& context, const Call& call);
Reply GetVersion(const Context& context, const Call& call);
Reply Livez(const Context& context, const Call& call);
Reply Readyz(const Context& context, const Call& call);
Reply GetMetrics(const Context& context, const Call& call);
Reply GetOpenApi(const Context& context, const Call& call);

}  // namespace slipway::api
