#include "api/call.h"

#include <algorithm>

#include "api/render.h"
#include "api/request.h"
#include "base/crypto.h"

namespace slipway::api {
namespace {

constexpr int64_t kMaxPage = 500;

// The filters of a list as one text, in a fixed order.
std::string FilterText(const Call& call) {
  http::Pairs filters = call.request().query;
  std::erase_if(filters,
                [](const auto& p) { return p.first == "pageToken" || p.first == "pageSize"; });
  std::sort(filters.begin(), filters.end());
  Json text = Json::Arr({call.route->operation_id, call.caller.name});
  for (const auto& [name, value] : filters) text.Push(Json::Arr({name, value}));
  return text.Dump();
}

Error NotFound(const char* what, const std::string& id) {
  return Error{Code::kNotFound,
               std::string(what) == "instance" ? "InstanceNotFound" : "OperationNotFound",
               std::string("there is no ") + what + " " + Json::Quote(id)};
}

}  // namespace

http::Response JsonResponse(int status, const Json& body, http::Pairs headers) {
  http::Response out;
  out.status = status;
  out.headers = std::move(headers);
  out.body = body.Dump();
  return out;
}

Reply Fail(const Context& context, const Call& call, const Error& error,
           std::vector<Error> details) {
  if (error.code == Code::kInternal) {
    context.log.Error(
        "http.failed",
        {{"request", call.request_id}, {"reason", error.reason}, {"message", error.message}});
  }
  return Fail(call, ToProblem(error, std::move(details)));
}

Reply Fail(const Call& call, const Problem& problem) {
  return Render(problem, call.request().path, call.request_id);
}

http::Response Accepted(const store::OperationRecord& operation, const Json& body) {
  const std::string path = OperationPath(operation.id);
  return JsonResponse(202, body,
                      {{"Location", path},
                       {"Operation-Location", path},
                       {"Content-Location", InstancePath(operation.instance_id)},
                       {"Retry-After", "2"}});
}

Result<std::optional<store::IdempotencyKey>> ReadIdempotencyKey(const Context& context,
                                                                const Call& call,
                                                                const Json& body) {
  const std::string* key = call.request().Header("idempotency-key");
  if (key == nullptr) {
    if (!context.options.require_idempotency_key) return std::optional<store::IdempotencyKey>();
    return Error{Code::kInvalid, "IdempotencyKeyRequired",
                 "this host wants an Idempotency-Key with every POST"};
  }
  if (!IsIdempotencyKey(*key)) {
    return Error{Code::kInvalid, "IdempotencyKeyInvalid",
                 "Idempotency-Key must be 1 to 255 printable ASCII characters"};
  }
  store::IdempotencyKey out;
  out.scope = Json::Arr({call.caller.name, call.route->method, call.route->path, call.id}).Dump();
  out.key = *key;
  out.fingerprint =
      Sha256Hex(call.route->method + "\n" + call.request().path + "\n" + Canonical(body));
  return std::optional(std::move(out));
}

Result<Page> ReadPage(const Context& context, const Call& call) {
  Page page;
  const int64_t size = QueryInt(call.request(), "pageSize", 50);
  if (size < 1) return Error{Code::kInvalid, "Malformed", "pageSize must be 1 to 500"};
  page.size = static_cast<size_t>(std::min(size, kMaxPage));
  page.filter = FilterText(call);
  if (const std::string* token = call.request().Query("pageToken")) {
    TRY(page.after, context.page_tokens.Read(*token, page.filter, context.clock.NowMs()));
  }
  return page;
}

http::Response PageResponse(const Context& context, const Call& call, const Page& page, Json items,
                            const std::optional<PagePosition>& last) {
  Json body = Json::Obj({{"items", std::move(items)}});
  http::Pairs headers;
  if (last) {
    const std::string token = context.page_tokens.Make(*last, page.filter, context.clock.NowMs());
    body.Set("nextPageToken", token);
    std::string link = "<" + call.route->path + "?";
    for (const auto& [name, value] : call.request().query) {
      if (name != "pageToken") link += name + "=" + PercentEncode(value) + "&";
    }
    headers.emplace_back("Link", link + "pageToken=" + token + ">; rel=\"next\"");
  }
  return JsonResponse(200, body, std::move(headers));
}

Result<store::InstanceRecord> SeenInstance(const Context& context, const Call& call) {
  auto found = context.store.GetInstance(call.id);
  if (!found && found.error().code != Code::kNotFound) return std::move(found).error();
  if (!found || !call.caller.Sees(found->organization)) return NotFound("instance", call.id);
  return found;
}

Result<store::OperationRecord> SeenOperation(const Context& context, const Call& call) {
  auto found = context.store.GetOperation(call.id);
  if (!found && found.error().code != Code::kNotFound) return std::move(found).error();
  if (!found || !call.caller.Sees(found->organization)) return NotFound("operation", call.id);
  return found;
}

Reply Dispatch(const Context& context, const std::shared_ptr<Call>& call) {
  switch (call->route->endpoint) {
    case Endpoint::kCreateInstance:
      return CreateInstance(context, *call);
    case Endpoint::kListInstances:
      return ListInstances(context, *call);
    case Endpoint::kGetInstance:
      return GetInstance(context, *call);
    case Endpoint::kPatchInstance:
      return PatchInstance(context, *call);
    case Endpoint::kDeleteInstance:
      return DeleteInstance(context, *call);
    case Endpoint::kGetCredentials:
      return GetCredentials(context, *call);
    case Endpoint::kListOperations:
      return ListOperations(context, *call);
    case Endpoint::kGetOperation:
      return GetOperation(context, call);
    case Endpoint::kCancelOperation:
      return CancelOperation(context, *call);
    case Endpoint::kRetryOperation:
      return RetryOperation(context, *call);
    case Endpoint::kOperationEvents:
      return OperationEvents(context, *call);
    case Endpoint::kListEngines:
      return ListEngines(context, *call);
    case Endpoint::kGetEngine:
      return GetEngine(context, *call);
    case Endpoint::kListTiers:
      return ListTiers(context, *call);
    case Endpoint::kVersion:
      return GetVersion(context, *call);
    case Endpoint::kLivez:
      return Livez(context, *call);
    case Endpoint::kReadyz:
      return Readyz(context, *call);
    case Endpoint::kMetrics:
      return GetMetrics(context, *call);
    case Endpoint::kOpenApi:
      return GetOpenApi(context, *call);
  }
  return Fail(*call, FromStatus(500, ""));
}

}  // namespace slipway::api
