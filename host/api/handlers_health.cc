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
    Json item = Json::Obj({{"name", check.name}, {"ok", check.ok}});
    if (!check.reason.empty()) item.Set("reason", check.reason);
    list.Push(std::move(item));
  }
  return JsonResponse(status, Json::Obj({{"ready", status == 200}, {"checks", std::move(list)}}),
                      {{"Cache-Control", "no-store"}});
}

}  // namespace

// Says nothing about the store or the cluster: their failure must not get the host restarted.
Reply Livez(const Context& context, const Call& call) {
  (void)context, (void)call;
  return Text(200, "ok\n");
}

Reply Readyz(const Context& context, const Call& call) {
  std::vector<pipeline::Check> checks = context.service.Checks();
  if (context.draining) checks.push_back({"draining", false, "the host is shutting down"});
  const bool ready =
      std::all_of(checks.begin(), checks.end(), [](const auto& check) { return check.ok; });
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
                        : "[-]" + check.name + " failed: " + check.reason + "\n";
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
  http::Response out;
  out.headers = {{"ETag", context.openapi_etag}, {"Cache-Control", "no-cache"}};
  const std::string* known = call.request().Header("if-none-match");
  if (known != nullptr && IfNoneMatchHits(*known, context.openapi_etag)) {
    out.status = 304;
    out.content_type.clear();
  } else {
    out.body = context.openapi;
  }
  return out;
}

}  // namespace slipway::api
