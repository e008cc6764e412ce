#include "api/api.h"

#include <atomic>
#include <map>
#include <mutex>

#include "api/call.h"
#include "api/openapi.h"
#include "api/request.h"
#include "base/crypto.h"
#include "base/executor.h"
#include "base/ids.h"
#include "http/router.h"

namespace slipway::api {
namespace {

constexpr size_t kQueue = 256;
constexpr size_t kProbeQueue = 32;

ApiOptions WithKey(ApiOptions options) {
  if (options.page_token_key.empty()) options.page_token_key = RandomBytes(32);
  return options;
}

bool Changes(const std::string& method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

std::vector<std::string> NamesOf(const std::vector<pipeline::Tier>& tiers) {
  std::vector<std::string> out;
  out.reserve(tiers.size());
  for (const auto& tier : tiers) out.push_back(tier.name);
  return out;
}

Problem Busy() {
  Problem out;
  out.status = 503;
  out.code = "OVERLOADED";
  out.detail = "too many requests wait";
  out.retryable = true;
  return out;
}

Problem Draining() {
  Problem out = Busy();
  out.code = "DRAINING";
  out.detail = "the host is shutting down and takes no changes";
  out.retry_after_seconds = 5;
  return out;
}

}  // namespace

struct Api::Impl {
  // Caches the counters by route and status.
  struct Meter {
    std::mutex mutex;
    std::map<std::pair<std::string, int>, Metrics::Counter> requests;
    std::map<std::string, Metrics::Histogram> seconds;
  };

  const ApiOptions options;
  pipeline::Service& service;
  store::Store& store;
  engine::Registry& engines;
  const Clock& clock;
  Logger& log;
  Metrics& metrics;
  const std::vector<Route> routes = AllRoutes();
  Document document;
  const PageTokens page_tokens;
  http::Router router;
  Meter meter;
  std::mutex tokens_mutex;
  std::shared_ptr<const TokenTable> tokens;
  std::atomic<bool> draining{false};
  bool stopped = false;
  std::shared_ptr<EventHub> hub;
  Context context;
  Executor workers, probes;
  http::Server server;  // last: its threads use all members above

  Impl(ApiOptions o, pipeline::Service& s, store::Store& st, engine::Registry& e, const Clock& c,
       Logger& l, Metrics& m)
      : options(WithKey(std::move(o))),
        service(s),
        store(st),
        engines(e),
        clock(c),
        log(l),
        metrics(m),
        document(routes, options.version, NamesOf(service.tiers())),
        page_tokens(options.page_token_key),
        tokens(std::make_shared<const TokenTable>(options.tokens)),
        hub(std::make_shared<EventHub>(
            EventHub::Source{[this](const std::string& id) { return store.GetOperation(id); },
                             [this](const std::string& id, int64_t after, size_t limit) {
                               return store.Events(id, after, limit);
                             }},
            clock, options.sse_heartbeat_ms, options.max_streams)),
        context{options,
                service,
                store,
                engines,
                clock,
                log,
                metrics,
                page_tokens,
                *hub,
                draining,
                document,
                [this](const Call& call, http::Response response) {
                  Finish(call, std::move(response)); }},
        workers("api", options.workers, kQueue),
        probes("probe", 1, kProbeQueue),
        server(
            options.listen,
            [this](std::shared_ptr<http::Exchange> exchange) { Handle(std::move(exchange)); },
            [this](int status, std::string_view reason, std::string_view id) {
              return Refuse(status, reason, id);
            },
            log) {
    for (size_t i = 0; i < routes.size(); ++i) router.Add(routes[i].method, routes[i].path, i);
  }

  std::string RequestId(std::string_view wanted) const {
    return IsRequestId(wanted) ? std::string(wanted) : NewId("req", clock);
  }

  std::optional<Caller> Authenticate(const http::Request& request) {
    std::shared_ptr<const TokenTable> table;
    {
      const std::lock_guard lock(tokens_mutex);
      table = tokens;
    }
    const std::string* header = request.Header("authorization");
    return header != nullptr ? table->Authenticate(*header) : std::nullopt;
  }

  http::Response Refuse(int status, std::string_view reason, std::string_view wanted_id) {
    const std::string id = RequestId(wanted_id);
    const std::string detail = "the request cannot be read: " + std::string(reason);
    http::Response out = Render(FromStatus(status, detail), "", id);
    out.headers.emplace_back("X-Request-Id", id);
    Count("refused", status, 0);
    log.Info("http.refused", {{"request", id}, {"status", status}, {"reason", reason}});
    return out;
  }

  void Count(const std::string& route, int status, int64_t ms) {
    const std::lock_guard lock(meter.mutex);
    auto counter = meter.requests.find({route, status});
    if (counter == meter.requests.end()) {
      counter =
          meter.requests
              .emplace(std::pair(route, status),
                       metrics.GetCounter("slipway_http_requests_total", "Requests answered.",
                                          {{"route", route}, {"code", std::to_string(status)}}))
              .first;
    }
    counter->second.Add();
    auto seconds = meter.seconds.find(route);
    if (seconds == meter.seconds.end()) {
      seconds = meter.seconds
                    .emplace(route, metrics.GetHistogram("slipway_http_request_seconds",
                                                         "Time to the answer.", {{"route", route}}))
                    .first;
    }
    seconds->second.Observe(static_cast<double>(ms) / 1000);
  }

  void Finish(const Call& call, http::Response response) {
    const int64_t ms = clock.SteadyMs() - call.started_ms;
    const int status = response.status;
    response.headers.emplace_back("X-Request-Id", call.request_id);
    Count(call.route != nullptr ? call.route->method + " " + call.route->path : "unmatched", status,
          ms);
    log.Info("http.request", {{"request", call.request_id},
                              {"method", call.request().method},
                              {"path", call.request().path},
                              {"status", status},
                              {"ms", ms},
                              {"caller", call.caller.name},
                              {"peer", call.request().peer}});
    call.exchange->Respond(std::move(response));
  }

  void Finish(const Call& call, const Problem& problem) {
    Finish(call, Render(problem, call.request().path, call.request_id));
  }

  // Checks every request before its handler; true when the handler may run.
  bool Admit(Call& call, const http::Router::Found& found) {
    if (found.outcome == http::Router::Outcome::kNotFound) {
      Finish(call, FromStatus(404, "no route has this path"));
      return false;
    }
    if (found.outcome == http::Router::Outcome::kMethodNotAllowed) {
      Problem problem = FromStatus(405, "this path allows " + found.allow);
      problem.headers = {{"Allow", found.allow}};
      if (call.request().method != "OPTIONS") {
        Finish(call, problem);
        return false;
      }
      http::Response options_answer;
      options_answer.status = 204;
      options_answer.content_type.clear();
      options_answer.headers = problem.headers;
      Finish(call, std::move(options_answer));
      return false;
    }
    call.route = &routes[found.route];
    call.path = found.params;
    if (call.route->access != Access::kPublic) {
      auto caller = Authenticate(call.request());
      if (!caller) {
        Finish(call,
               ToProblem({Code::kUnauthenticated, "Unauthenticated", "send a valid bearer token"}));
        return false;
      }
      call.caller = *std::move(caller);
      if (!call.caller.May(call.route->access)) {
        Finish(call, ToProblem({Code::kForbidden, "Forbidden",
                                "the role " + call.caller.role + " may not do this"}));
        return false;
      }
    }
    if (const auto checked = CheckParameters(*call.route, call.path, call.request()); !checked) {
      Finish(call, ToProblem(checked.error()));
      return false;
    }
    if (draining && Changes(call.request().method)) {
      Finish(call, Draining());
      return false;
    }
    return true;
  }

  void Run(const std::shared_ptr<Call>& call) {
    try {
      if (const auto refused = ReadRequest(context, *call)) return Finish(*call, *refused);
      Reply reply = call->route->handler(context, *call);
      if (reply.kind == Reply::Kind::kResponse) Finish(*call, std::move(reply.response));
    } catch (const std::exception& e) {
      log.Error("http.threw", {{"request", call->request_id}, {"what", e.what()}});
      Finish(*call, FromStatus(500, ""));
    }
  }

  void Handle(std::shared_ptr<http::Exchange> exchange) {
    auto call = std::make_shared<Call>();
    call->exchange = std::move(exchange);
    call->started_ms = clock.SteadyMs();
    const std::string* wanted = call->request().Header("x-request-id");
    call->request_id = RequestId(wanted != nullptr ? *wanted : std::string());
    if (!Admit(*call, router.Match(call->request().method, call->request().segments))) return;
    if (call->route->lane == Lane::kMemory) return Run(call);
    Executor& lane = call->route->lane == Lane::kProbe ? probes : workers;
    if (!lane.Post([this, call] { Run(call); })) Finish(*call, Busy());
  }
};

Api::Api(ApiOptions options, pipeline::Service& service, store::Store& store,
         engine::Registry& engines, const Clock& clock, Logger& log, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), service, store, engines, clock, log,
                                   metrics)) {}

Api::~Api() {
  Stop(0);
}

Result<void> Api::Start() {
  impl_->hub->Start();
  impl_->store.OnEvents([weak = std::weak_ptr(impl_->hub)](const std::string& operation_id) {
    if (const auto hub = weak.lock()) hub->Notify(operation_id);
  });
  return impl_->server.Start();
}

uint16_t Api::port() const {
  return impl_->server.port();
}

void Api::SetDraining() {
  impl_->draining = true;
  impl_->hub->SetDraining();
}

void Api::Stop(int64_t drain_ms) {
  if (impl_->stopped) return;
  impl_->stopped = true;
  SetDraining();
  // The hub stops last: it answers the long polls that the server waits for.
  impl_->server.Stop(drain_ms);
  impl_->workers.Drain();
  impl_->probes.Drain();
  impl_->store.OnEvents({});
  impl_->hub->Stop();
}

void Api::SetTokens(std::vector<Token> tokens) {
  {
    const std::lock_guard lock(impl_->tokens_mutex);
    impl_->tokens = std::make_shared<const TokenTable>(std::move(tokens));
  }
  impl_->hub->EndAll("auth-expired");
}

}  // namespace slipway::api
