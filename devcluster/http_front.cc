#include "devcluster/http_front.h"

#include <cstdlib>

#include "base/crypto.h"
#include "devcluster/builtin_types.h"
#include "devcluster/discovery.h"
#include "devcluster/go_decode.h"

namespace slipway::sim {

namespace {

http::Response FromFailure(const Failure& failure) {
  http::Response out;
  out.status = failure.code;
  if (failure.retry_after_s > 0)
    out.headers.emplace_back("Retry-After", std::to_string(failure.retry_after_s));
  if (!failure.plain_text.empty()) {
    out.content_type = "text/plain; charset=utf-8";
    out.body = failure.plain_text;
  } else {
    out.body = failure.ToStatus().Dump();
  }
  return out;
}

const char* ReasonOf(int status) {
  switch (status) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 409:
      return "Conflict";
    case 410:
      return "Expired";
    case 413:
      return "RequestEntityTooLarge";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 500:
      return "InternalError";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return "";
  }
}

// Answers the question that kubectl asks with `auth can-i`: here everyone may do everything.
Json AccessReview(Json body, const std::string& manager, int64_t now_ms) {
  Kind kind;
  kind.group = "authorization.k8s.io";
  kind.version = "v1";
  kind.kind = "SelfSubjectAccessReview";
  kind.schema = BuiltinSchema(kind.api_version(), kind.kind);
  DecodeAsGo(*kind.schema, body);
  body.Erase("status");
  TrackUpdate(kind, {}, body, {manager, "", FormatSeconds(now_ms)});
  return body.Set("status", Json::Obj({{"allowed", true}}));
}

}  // namespace

http::Response HttpFront::Refuse(int status, std::string_view reason) {
  return FromFailure({status, ReasonOf(status), std::string(reason), {}});
}

void HttpFront::Handle(std::shared_ptr<http::Exchange> exchange) {
  auto call = std::make_shared<Call>();
  call->exchange = std::move(exchange);
  const http::Request& request = call->request();
  call->record.ts_ms = NowMs();
  if (!request.segments.empty() && request.segments[0] == "_sim") {
    call->exchange->Respond(Admin(request));
    return;
  }
  if (parts_.api.clock().SteadyMs() < refused_until_ms_) return Cut(*call);
  auto target = ParseTarget(parts_.api.kinds(), request);
  if (target) call->target = *target;
  call->verb = VerbOf(request, target ? &call->target : nullptr);
  int64_t latency_ms = 0;
  for (const Fault& fault : parts_.faults.Hit(request.method, request.path, call->verb,
                                              HeaderText(request, "user-agent"))) {
    if (fault.action == Fault::Action::kLatency) {
      latency_ms += fault.ms;
    } else if (!PassFault(call, fault)) {
      return;
    }
  }
  if (latency_ms > 0) {
    parts_.timers.After(latency_ms, [this, call] { Run(call); });
  } else {
    Run(call);
  }
}

bool HttpFront::PassFault(const CallPtr& call, const Fault& fault) {
  const bool watch = call->verb == "watch";
  switch (fault.action) {
    case Fault::Action::kLatency:
      return true;
    case Fault::Action::kStatus:
      Finish(*call,
             Failure{fault.status,
                     ReasonOf(fault.status),
                     "the development cluster was told to answer " + std::to_string(fault.status),
                     {},
                     fault.retry_after_s});
      return false;
    case Fault::Action::kGone:
      if (watch) {
        call->watch_fault = WatchFault{WatchFault::Action::kGone, 0};
        return true;
      }
      Finish(*call, Expired("The resourceVersion for the provided list is too old."));
      return false;
    case Fault::Action::kDrop:
    case Fault::Action::kHalfLine:
      if (watch) {
        call->watch_fault =
            WatchFault{fault.action == Fault::Action::kDrop ? WatchFault::Action::kDrop
                                                            : WatchFault::Action::kHalfLine,
                       fault.after};
        return true;
      }
      if (fault.action == Fault::Action::kHalfLine) {
        Log(*call, 0);
        call->exchange->AbortWith(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
            "1000\r\n\r\n{\"kind\":\"Li");
        return false;
      }
      Cut(*call);
      return false;
    case Fault::Action::kPage:
      Finish(*call, PageNotFound());
      return false;
    case Fault::Action::kGarbage:
      Finish(*call, http::Response{200, {}, "<html>Sign in</html>", "text/html"});
      return false;
    case Fault::Action::kRefuseAll:
      refused_until_ms_ = parts_.api.clock().SteadyMs() + fault.ms;
      parts_.hub.DropAll();
      Cut(*call);
      return false;
  }
  return true;
}

void HttpFront::Run(const CallPtr& call) {
  const http::Request& request = call->request();
  const bool accept_json = [&] {
    const std::string accept = HeaderText(request, "accept");
    return accept.empty() || accept.find("json") != std::string::npos ||
           accept.find("*/*") != std::string::npos ||
           accept.find("text/plain") != std::string::npos ||
           accept.find("yaml") != std::string::npos;
  }();
  if (call->target.kind != nullptr) {
    if (!accept_json && call->target.subresource != "log" && call->target.subresource != "proxy")
      return Finish(*call, NotAcceptable());
    return Dispatch(call);
  }
  if (request.method == "POST" &&
      request.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") {
    auto body = ReadBody(request);
    if (!body) return Finish(*call, std::move(body).error());
    auto options = ReadWriteOptions(request, {});
    if (!options) return Finish(*call, std::move(options).error());
    return Finish(
        *call,
        http::Response{
            201,
            {},
            AccessReview(*std::move(body), options->manager, parts_.api.clock().NowMs()).Dump()});
  }
  if (auto found = Discover(parts_.api.kinds(), request)) {
    if (found->status != 404 && request.method != "GET" && request.method != "HEAD")
      return Finish(*call, MethodNotAllowed());
    return Finish(*call, *std::move(found));
  }
  auto target = ParseTarget(parts_.api.kinds(), request);
  Finish(*call, target ? PageNotFound() : std::move(target).error());
}

void HttpFront::Dispatch(const CallPtr& call) {
  const Target& target = call->target;
  const std::string& sub = target.subresource;
  if (sub == "proxy" && call->verb == "get") return Proxy(call);
  if (sub == "log") return Finish(*call, PodLog(*call));
  if (sub == "eviction" && call->verb == "create") return Finish(*call, Evict(*call));
  if (target.kind->deed || (sub == "binding" && target.kind->kind == "Pod"))
    return Finish(*call, call->verb == "create" ? Bind(*call) : MethodNotAllowed());
  const bool scale = sub == "scale" && !target.kind->scale_spec.empty();
  const bool known = sub.empty() || (sub == "status" && target.kind->has_status) || scale ||
                     (sub == "finalize" && target.kind->kind == "Namespace");
  Failure refused =
      target.kind->custom ? MethodNotAllowed(target.kind->name()) : MethodNotAllowed();
  if (!known) {
    Failure unknown = target.kind->custom ? NotFound(target.kind->name(), target.name)
                                          : Failure{404, "NotFound", "", Json::MakeObject()};
    unknown.message = "the server could not find the requested resource";
    return Finish(*call, std::move(unknown));
  }
  const bool reads = call->request().method == "GET";
  if (call->verb == "get" && (!reads || sub == "finalize"))
    return Finish(*call, std::move(refused));
  if (call->verb == "get") return Finish(*call, Read(*call));
  if (call->verb == "list") return Finish(*call, List(*call));
  if (call->verb == "watch") return Watch(call);
  if (call->verb == "delete" && sub.empty()) return Finish(*call, Remove(*call));
  if (call->verb == "deletecollection") return Finish(*call, RemoveCollection(*call));
  if (scale) return Finish(*call, WriteScale(*call));
  const bool create = call->verb == "create" && target.name.empty();
  const bool change = (call->verb == "update" || call->verb == "patch" || call->verb == "apply") &&
                      !target.name.empty();
  if (create || change) return Finish(*call, Write(*call));
  Finish(*call, std::move(refused));
}

void HttpFront::Finish(Call& call, Reply reply) {
  http::Response response = reply ? *std::move(reply) : FromFailure(reply.error());
  Log(call, response.status);
  call.exchange->Respond(std::move(response));
}

void HttpFront::Cut(Call& call) {
  Log(call, 0);
  call.exchange->AbortWith("");
}

void HttpFront::Log(Call& call, int status) {
  if (!parts_.log.enabled()) return;
  const http::Request& request = call.request();
  RequestRecord& record = call.record;
  record.method = request.method;
  record.path = request.path;
  const size_t question = request.target.find('?');
  if (question != std::string::npos) record.query = request.target.substr(question + 1);
  record.user_agent = HeaderText(request, "user-agent");
  record.verb = call.verb;
  record.status = status;
  if (!request.body.empty()) record.body_sha256 = Sha256Hex(request.body);
  parts_.log.Write(record);
}

// /_sim/faults: GET lists, POST adds, DELETE removes (?id= for one). /_sim/stats: counts.
http::Response HttpFront::Admin(const http::Request& request) {
  if (request.path == "/_sim/stats")
    return {200,
            {},
            Json::Obj({{"resourceVersion", std::to_string(parts_.api.store().version())},
                       {"objects", static_cast<int64_t>(parts_.api.store().objects())},
                       {"watches", static_cast<int64_t>(parts_.hub.watches())}})
                .Dump()};
  if (request.path != "/_sim/faults") return FromFailure(PageNotFound());
  if (request.method == "GET") return {200, {}, parts_.faults.List().Dump()};
  if (request.method == "DELETE") {
    parts_.faults.Remove(std::strtoll(QueryText(request, "id").c_str(), nullptr, 10));
    refused_until_ms_ = 0;
    return {200, {}, "{}"};
  }
  if (request.method != "POST") return FromFailure(MethodNotAllowed());
  auto body = ReadBody(request);
  if (!body) return FromFailure(body.error());
  auto rule = parts_.faults.Add(*body);
  return rule ? http::Response{201, {}, rule->Dump()} : FromFailure(rule.error());
}

}  // namespace slipway::sim
