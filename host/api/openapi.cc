#include "api/openapi.h"

#include <map>

#include "http/server.h"

namespace slipway::api {
namespace {

Json Ref(const std::string& kind, const std::string& name) {
  return Json::Obj({{"$ref", "#/components/" + kind + "/" + name}});
}

Json StringSchema() {
  return Json::Obj({{"type", "string"}});
}

Json Parameter(const std::string& name, const char* in, const std::string& text, Json schema) {
  Json out =
      Json::Obj({{"name", name}, {"in", in}, {"description", text}, {"schema", std::move(schema)}});
  if (std::string_view(in) == "path") out.Set("required", true);
  return out;
}

Json Parameters(const Route& route) {
  Json out = Json::MakeArray();
  for (size_t open = route.path.find('{'); open != std::string::npos;
       open = route.path.find('{', open + 1)) {
    const std::string name = route.path.substr(open + 1, route.path.find('}', open) - open - 1);
    out.Push(Parameter(name, "path", "which one", StringSchema()));
  }
  for (const QueryParameter& query : route.query) {
    Json schema = Json::Obj({{"type", query.type}});
    if (!query.values.empty()) {
      Json values = Json::MakeArray();
      for (const auto& value : query.values) values.Push(value);
      schema.Set("enum", std::move(values));
    }
    out.Push(Parameter(query.name, "query", query.description, std::move(schema)));
  }
  out.Push(Ref("parameters", "RequestId"));
  if (route.method == "POST") out.Push(Ref("parameters", "IdempotencyKey"));
  if (route.method == "PATCH" || route.method == "DELETE") out.Push(Ref("parameters", "IfMatch"));
  for (const DeclaredResponse& response : route.responses) {
    if (response.status == 304) out.Push(Ref("parameters", "IfNoneMatch"));
  }
  if (route.endpoint == Endpoint::kOperationEvents) out.Push(Ref("parameters", "LastEventId"));
  return out;
}

Json Headers(const std::vector<std::string>& names) {
  Json out = Json::Obj({{"X-Request-Id", Json::Obj({{"schema", StringSchema()}})}});
  for (const auto& name : names) out.Set(name, Json::Obj({{"schema", StringSchema()}}));
  return out;
}

Json Content(const std::vector<std::pair<std::string, std::string>>& content) {
  Json out = Json::MakeObject();
  for (const auto& [type, schema] : content) {
    out.Set(type,
            Json::Obj({{"schema", schema.empty() ? StringSchema() : Ref("schemas", schema)}}));
  }
  return out;
}

Json ProblemResponse(int status) {
  std::vector<std::string> headers;
  if (status == 401) headers = {"WWW-Authenticate"};
  if (status == 429 || status == 503) headers = {"Retry-After"};
  if (status == 415) headers = {"Accept", "Accept-Patch"};
  return Json::Obj({{"description", http::StatusText(status)},
                    {"headers", Headers(headers)},
                    {"content", Content({{"application/problem+json", "Problem"}})}});
}

Json Responses(const Route& route) {
  std::map<int, Json> all;
  for (const int status : ProblemStatuses(route)) all.emplace(status, ProblemResponse(status));
  for (const DeclaredResponse& response : route.responses) {
    Json out =
        Json::Obj({{"description", response.description}, {"headers", Headers(response.headers)}});
    auto content = response.content;
    // A readiness of 503 comes as itself, a full host as a problem.
    if (all.contains(response.status)) content.emplace_back("application/problem+json", "Problem");
    if (!content.empty()) out.Set("content", Content(content));
    all.insert_or_assign(response.status, std::move(out));
  }
  Json out = Json::MakeObject();
  for (auto& [status, response] : all) out.Set(std::to_string(status), std::move(response));
  return out;
}

const char* PermissionOf(Access access) {
  switch (access) {
    case Access::kPublic:
      return "public";
    case Access::kRead:
      return "read";
    case Access::kWrite:
      return "write";
    case Access::kSecrets:
      return "secrets";
  }
  return "";
}

Json OperationOf(const Route& route) {
  Json out = Json::Obj({{"operationId", route.operation_id},
                        {"summary", route.summary},
                        {"x-permission", PermissionOf(route.access)},
                        {"parameters", Parameters(route)}});
  if (route.access == Access::kPublic) out.Set("security", Json::MakeArray());
  if (!route.request_schema.empty()) {
    out.Set("requestBody",
            Json::Obj({{"required", route.request_schema != "Empty"},
                       {"content", Content({{route.request_type, route.request_schema}})}}));
  }
  out.Set("responses", Responses(route));
  return out;
}

Json SharedParameters() {
  Json key = StringSchema();
  key.Set("minLength", 1).Set("maxLength", 255);
  Json id = StringSchema();
  id.Set("pattern", "^[A-Za-z0-9._-]{1,128}$");
  return Json::Obj(
      {{"RequestId", Parameter("X-Request-Id", "header",
                               "comes back, is logged and kept with the operation", std::move(id))},
       {"IdempotencyKey", Parameter("Idempotency-Key", "header",
                                    "makes a repetition of the request harmless", std::move(key))},
       {"IfMatch",
        Parameter("If-Match", "header", "entity tag that the caller has read", StringSchema())},
       {"IfNoneMatch",
        Parameter("If-None-Match", "header", "entity tag that the caller has", StringSchema())},
       {"LastEventId",
        Parameter("Last-Event-ID", "header", "go on after this event", StringSchema())}});
}

}  // namespace

Json MakeOpenApi(const std::vector<Route>& routes, const std::string& version) {
  Json paths = Json::MakeObject();
  for (const Route& route : routes) {
    std::string method = route.method;
    for (char& c : method) c = static_cast<char>(c + 32);
    paths[route.path].Set(method, OperationOf(route));
  }
  Json bearer = Json::Obj({{"type", "http"}, {"scheme", "bearer"}});
  Json security = Json::Arr({Json::Obj({{"bearer", Json::MakeArray()}})});
  return Json::Obj(
      {{"openapi", "3.1.0"},
       {"info", Json::Obj({{"title", "Slipway"}, {"version", version.empty() ? "0" : version}})},
       {"security", std::move(security)},
       {"paths", std::move(paths)},
       {"components", Json::Obj({{"securitySchemes", Json::Obj({{"bearer", std::move(bearer)}})},
                                 {"parameters", SharedParameters()},
                                 {"schemas", MakeSchemas()}})}});
}

}  // namespace slipway::api
