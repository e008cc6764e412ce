#include "api/call.h"

#include <algorithm>

#include "api/render.h"
#include "api/request.h"
#include "base/crypto.h"

namespace slipway::api {
namespace {

// Joins a list's filters in a fixed order.
std::string FilterText(const Call& call) {
  http::Pairs filters = call.request().query;
  std::erase_if(filters,
                [](const auto& p) { return p.first == "pageToken" || p.first == "pageSize"; });
  std::sort(filters.begin(), filters.end());
  Json text = Json::Arr({call.route->operation_id, call.caller.name});
  for (const auto& [name, value] : filters) text.Push(Json::Arr({name, value}));
  return text.Dump();
}

// A caller's key applies to one method on one path.
store::IdempotencyKey KeyOf(const Call& call, const std::string& key) {
  Json scope = Json::Arr({call.caller.name, call.route->method, call.route->path});
  for (const auto& [name, value] : call.path) scope.Push(value);
  if (call.path.empty()) scope.Push("");
  return {.scope = scope.Dump(),
          .key = key,
          .fingerprint = Sha256Hex(call.route->method + "\n" + call.request().path + "\n" +
                                   Canonical(call.body))};
}

}  // namespace

const std::string& Call::Path(std::string_view name) const {
  static const std::string kNone;
  const auto found =
      std::find_if(path.begin(), path.end(), [&](const auto& p) { return p.first == name; });
  return found != path.end() ? found->second : kNone;
}

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

pipeline::Actor ActorOf(const Call& call) {
  return {call.caller.name, call.request_id};
}

http::Response Accepted(const store::OperationRecord& operation, const Json& body) {
  const std::string path = OperationPath(operation.id);
  return JsonResponse(202, body,
                      {{"Location", path},
                       {"Operation-Location", path},
                       {"Content-Location", InstancePath(operation.instance_id)},
                       {"Retry-After", "2"}});
}

std::optional<Problem> ReadRequest(const Context& context, Call& call) {
  const Route& route = *call.route;
  if (route.body) {
    std::vector<Error> problems;
    auto body = ReadBody(*route.body, call.request(), problems);
    if (!body) {
      Problem out = ToProblem(body.error(), std::move(problems));
      if (out.status == 415)
        out.headers.emplace_back(route.method == "PATCH" ? "Accept-Patch" : "Accept",
                                 route.body->type);
      return out;
    }
    call.body = *std::move(body);
  }
  const auto& parameters = route.parameters;
  const bool repeatable = std::any_of(parameters.begin(), parameters.end(),
                                      [](const auto& p) { return p.name == "Idempotency-Key"; });
  if (!repeatable) return std::nullopt;
  if (const std::string* key = call.request().Header("idempotency-key")) {
    call.idempotency = KeyOf(call, *key);
  } else if (context.options.require_idempotency_key && route.method == "POST") {
    return ToProblem({Code::kInvalid, "IdempotencyKeyRequired",
                      "this host requires an Idempotency-Key with every POST"});
  }
  return std::nullopt;
}

Result<Page> ReadPage(const Context& context, const Call& call) {
  Page page;
  page.size = static_cast<size_t>(QueryInt(call.request(), "pageSize", 50));
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
    std::string link = "<" + call.request().path + "?";
    for (const auto& [name, value] : call.request().query) {
      if (name != "pageToken") link += name + "=" + PercentEncode(value) + "&";
    }
    headers.emplace_back("Link", link + "pageToken=" + token + ">; rel=\"next\"");
  }
  return JsonResponse(200, body, std::move(headers));
}

Result<store::InstanceRecord> SeenInstance(const Context& context, const Call& call) {
  auto found = context.store.GetInstance(call.id());
  if (!found && found.error().code != Code::kNotFound) return std::move(found).error();
  if (!found || !call.caller.Sees(found->organization)) return NotFound("instance", call.id());
  return found;
}

Result<store::OperationRecord> SeenOperation(const Context& context, const Call& call) {
  auto found = context.store.GetOperation(call.id());
  if (!found && found.error().code != Code::kNotFound) return std::move(found).error();
  if (!found || !call.caller.Sees(found->organization)) return NotFound("operation", call.id());
  return found;
}

}  // namespace slipway::api
