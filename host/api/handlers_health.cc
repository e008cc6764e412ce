#include <algorithm>

#include "api/call.h"
#include "api/request.h"

namespace slipway::api {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";

http::Response Text(int status, std::string body) {
  http::Response out;
  out.status = status;
  out.headers = {{"Cache-Control", "no-store"}};
  out.content_type = kText;
  out.body = std::move(body);
  return out;
}

http::Response ReadinessJson(int status, const std::vector<pipeline::Check>& checks) {
  Json list = Json::MakeArray();
  for (const auto& check : checks) {
    Json item = Json::Obj({{"name", check.name}, {"ok", check.ok}, {"required", check.required}});
    if (!check.reason.empty()) item.Set("reason", check.reason);
    list.Push(std::move(item));
  }
  return JsonResponse(status, Json::Obj({{"ready", status == 200}, {"checks", std::move(list)}}),
                      {{"Cache-Control", "no-store"}});
}

// It ignores the store and the cluster: their failure must not restart the host.
Reply Livez(const Context& context, const Call& call) {
  (void)context, (void)call;
  return Text(200, "ok\n");
}

Reply Readyz(const Context& context, const Call& call) {
  std::vector<pipeline::Check> checks = context.service.Checks();
  if (context.draining) checks.push_back({"draining", false, "the host is shutting down"});
  const bool ready = std::all_of(checks.begin(), checks.end(),
                                 [](const auto& check) { return check.ok || !check.required; });
  const int status = ready ? 200 : 503;
  const std::string* accept = call.request().Header("accept");
  http::Response out;
  if (accept != nullptr && accept->find("application/json") != std::string::npos) {
    out = ReadinessJson(status, checks);
  } else if (ready && call.request().Query("verbose") == nullptr) {
    out = Text(status, "ok\n");
  } else {
    std::string lines;
    for (const auto& check : checks) {
      lines += check.ok ? "[+]" + check.name + " ok\n"
                        : std::string(check.required ? "[-]" : "[!]") + check.name +
                              " failed: " + check.reason + "\n";
    }
    out = Text(status, lines + (ready ? "ready\n" : "not ready\n"));
  }
  if (!ready) out.headers.emplace_back("Retry-After", "5");
  return out;
}

Reply GetVersion(const Context& context, const Call& call) {
  (void)call;
  return JsonResponse(200, Json::Obj({{"version", context.options.version},
                                      {"commit", context.options.commit},
                                      {"apiVersion", "v1"}}));
}

Reply GetMetrics(const Context& context, const Call& call) {
  (void)call;
  http::Response out = Text(200, context.metrics.Text());
  out.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return out;
}

Reply GetOpenApi(const Context& context, const Call& call) {
  std::vector<std::string> types;
  for (const auto& engine : context.engines.List()) {
    if (engine.state == engine::EngineState::kLoaded) types.push_back(engine.database_type);
  }
  const auto text = context.document.For(types);
  http::Response out;
  out.headers = {{"ETag", text->etag}, {"Cache-Control", "no-cache"}};
  const std::string* known = call.request().Header("if-none-match");
  if (known != nullptr && IfNoneMatchHits(*known, text->etag)) {
    out.status = 304;
    out.content_type.clear();
  } else {
    out.body = text->body;
  }
  return out;
}

Parameter Verbose(const char* description) {
  return {.name = "verbose", .description = description, .characters = " -~", .max = 64};
}

}  // namespace

std::vector<Route> HealthRoutes() {
  const std::vector<std::pair<std::string, std::string>> readiness = {
      {kText, ""}, {"application/json", "Readiness"}};
  return {
      {.method = "GET",
       .path = "/v1/version",
       .operation_id = "getVersion",
       .summary = "Version of the host",
       .access = Access::kPublic,
       .lane = Lane::kMemory,
       .answers = {Ok("Version")},
       .handler = GetVersion},
      {.method = "GET",
       .path = "/livez",
       .operation_id = "livez",
       .summary = "Check that the process makes progress",
       .access = Access::kPublic,
       .lane = Lane::kMemory,
       .parameters = {Verbose("ignored")},
       .answers = {{.description = "alive", .content = {{kText, ""}}}},
       .handler = Livez},
      {.method = "GET",
       .path = "/readyz",
       .operation_id = "readyz",
       .summary = "Check that the host can serve, by dependency",
       .access = Access::kPublic,
       .lane = Lane::kProbe,
       .parameters = {Verbose("one line per dependency")},
       .answers = {{.description = "ready", .content = readiness},
                   {.status = 503, .description = "not ready", .content = readiness}},
       .handler = Readyz},
      {.method = "GET",
       .path = "/metrics",
       .operation_id = "metrics",
       .summary = "Prometheus metrics",
       .access = Access::kPublic,
       .lane = Lane::kMemory,
       .answers = {{.description = "OK",
                    .content = {{"text/plain; version=0.0.4; charset=utf-8", ""}}}},
       .handler = GetMetrics},
      {.method = "GET",
       .path = "/openapi.json",
       .operation_id = "openapi",
       .summary = "This document",
       .access = Access::kPublic,
       .lane = Lane::kMemory,
       .parameters = {IfNoneMatchHeader()},
       .answers = {Ok("Document", {"ETag"}),
                   {.status = 304, .description = "not modified", .headers = {"ETag"}}},
       .handler = GetOpenApi},
  };
}

}  // namespace slipway::api
