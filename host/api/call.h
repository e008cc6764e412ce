#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/auth.h"
#include "api/event_stream.h"
#include "api/openapi.h"
#include "api/page_token.h"
#include "api/problem.h"
#include "api/routes.h"

namespace slipway::api {

// One request in its handler, checked against its route's row. The code that answers it owns it.
struct Call : std::enable_shared_from_this<Call> {
  std::shared_ptr<http::Exchange> exchange;
  const Route* route = nullptr;  // null: no route matched
  http::Pairs path;              // the path's parameters, in order
  Json body;                     // null when the route has no body
  std::optional<store::IdempotencyKey> idempotency;
  std::string request_id;
  Caller caller;
  int64_t started_ms = 0;

  const http::Request& request() const { return exchange->request(); }

  // The value of a path parameter that the row names.
  const std::string& Path(std::string_view name) const;

  const std::string& id() const { return Path("id"); }
};

// A handler's result: an answer, or kTaken when other code will answer.
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

// The handlers' dependencies. Immutable; the objects behind the references may change.
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
  Document& document;
  std::function<void(const Call&, http::Response)> finish;  // answers, logs and counts
};

http::Response JsonResponse(int status, const Json& body, http::Pairs headers = {});
// Renders an error. Logs the details that an internal error hides from the client.
Reply Fail(const Context& context, const Call& call, const Error& error,
           std::vector<Error> details = {});
Reply Fail(const Call& call, const Problem& problem);

// Reads the body and the idempotency key as the route's row declares them. Runs on the route's
// lane, before the handler. Returns the refusal, if any.
std::optional<Problem> ReadRequest(const Context& context, Call& call);

// The caller, for the record.
pipeline::Actor ActorOf(const Call& call);

// The answer to a request that created an operation.
http::Response Accepted(const store::OperationRecord& operation, const Json& body);

// Submits a verb for the instance that the path names.
Reply SubmitOn(const Context& context, const Call& call, const char* verb, Json arguments);

// A list's page: at most `limit` of the limit + 1 rows read, Link and nextPageToken.
struct Page {
  size_t size = 50;
  PagePosition after;
  std::string filter;  // a token is bound to it
};

Result<Page> ReadPage(const Context& context, const Call& call);

// Cuts rows, of which one more than a page holds was asked for, to a page. Returns where the next
// one begins, if there is one.
template <class Row>
std::optional<PagePosition> CutToPage(std::vector<Row>& rows, const Page& page) {
  if (rows.size() <= page.size) return std::nullopt;
  rows.resize(page.size);
  return PagePosition{rows.back().created_ms, rows.back().id};
}

http::Response PageResponse(const Context& context, const Call& call, const Page& page, Json items,
                            const std::optional<PagePosition>& last);
// The instance or operation, if the caller may see it; otherwise the same kNotFound as if absent.
Result<store::InstanceRecord> SeenInstance(const Context& context, const Call& call);
Result<store::OperationRecord> SeenOperation(const Context& context, const Call& call);

}  // namespace slipway::api
