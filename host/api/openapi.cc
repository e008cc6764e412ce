#include "api/openapi.h"

#include <limits>
#include <map>

#include "api/problem.h"
#include "base/crypto.h"
#include "http/server.h"

namespace slipway::api {
namespace {

constexpr const char* kCreateFields = "/components/schemas/CreateInstance/properties";
constexpr const char* kChangeFields = "/components/schemas/SpecChange/properties";

Json Ref(const std::string& kind, const std::string& name) {
  return Json::Obj({{"$ref", "#/components/" + kind + "/" + name}});
}

Json StringSchema() {
  return Json::Obj({{"type", "string"}});
}

Json ToJson(const std::vector<std::string>& texts) {
  Json out = Json::MakeArray();
  for (const auto& text : texts) out.Push(text);
  return out;
}

// The bounds that CheckParameters enforces.
Json SchemaOf(const Parameter& parameter) {
  Json out = StringSchema();
  const bool bounded = parameter.max != std::numeric_limits<int64_t>::max();
  if (!parameter.values.empty()) return out.Set("enum", ToJson(parameter.values));
  switch (parameter.type) {
    case Parameter::Type::kInteger:
      out.Set("type", "integer").Set("minimum", parameter.min);
      if (bounded) out.Set("maximum", parameter.max);
      break;
    case Parameter::Type::kBoolean:
      out.Set("type", "boolean");
      break;
    case Parameter::Type::kTime:
      out.Set("format", "date-time");
      break;
    case Parameter::Type::kText:
      if (const std::string pattern = PatternOf(parameter); !pattern.empty())
        out.Set("pattern", pattern).Set("minLength", parameter.min);
      if (bounded) out.Set("maxLength", parameter.max);
      break;
  }
  return out;
}

const char* NameOf(In in) {
  switch (in) {
    case In::kPath:
      return "path";
    case In::kQuery:
      return "query";
    case In::kHeader:
      return "header";
  }
  return "";
}

Json Parameters(const Route& route) {
  Json out = Json::MakeArray();
  for (const Parameter& parameter : ParametersOf(route)) {
    Json shown = Json::Obj({{"name", parameter.name},
                            {"in", NameOf(parameter.in)},
                            {"description", parameter.description},
                            {"schema", SchemaOf(parameter)}});
    if (parameter.in == In::kPath) shown.Set("required", true);
    out.Push(std::move(shown));
  }
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

Json ProblemResponse(const Route& route, const Refusal& refusal) {
  std::vector<std::string> headers;
  if (refusal.status == 401) headers = {"WWW-Authenticate"};
  if (refusal.status == 429 || refusal.status == 503) headers = {"Retry-After"};
  if (refusal.status == 415) headers = {route.method == "PATCH" ? "Accept-Patch" : "Accept"};
  return Json::Obj({{"description", http::StatusText(refusal.status)},
                    {"headers", Headers(headers)},
                    {"content", Content({{"application/problem+json", "Problem"}})}});
}

// The requests that can follow an answer, by the schema of its body.
struct Link {
  const char *schema, *target, *parameter, *expression;
};

constexpr Link kLinks[] = {
    {"Operation", "getOperation", "id", "$response.body#/id"},
    {"Operation", "operationEvents", "id", "$response.body#/id"},
    {"Operation", "cancelOperation", "id", "$response.body#/id"},
    {"Operation", "retryOperation", "id", "$response.body#/id"},
    {"Operation", "getInstance", "id", "$response.body#/target/id"},
    {"Operation", "listOperations", "instanceId", "$response.body#/target/id"},
    {"OperationList", "getOperation", "id", "$response.body#/items/0/id"},
    {"Instance", "getInstance", "id", "$response.body#/id"},
    {"Instance", "patchInstance", "id", "$response.body#/id"},
    {"Instance", "deleteInstance", "id", "$response.body#/id"},
    {"Instance", "repairInstance", "id", "$response.body#/id"},
    {"Instance", "restartInstance", "id", "$response.body#/id"},
    {"Instance", "switchOverInstance", "id", "$response.body#/id"},
    {"Instance", "getCredentials", "id", "$response.body#/id"},
    {"Instance", "listOperations", "instanceId", "$response.body#/id"},
    {"InstanceList", "getInstance", "id", "$response.body#/items/0/id"},
    {"Credentials", "getInstance", "id", "$response.body#/instanceId"},
    {"EngineList", "getEngine", "name", "$response.body#/items/0/name"},
};

Json LinksOf(const Answer& answer) {
  Json out = Json::MakeObject();
  for (const auto& [type, schema] : answer.content) {
    for (const Link& link : kLinks) {
      if (schema != link.schema) continue;
      out.Set(link.target,
              Json::Obj({{"operationId", link.target},
                         {"parameters", Json::Obj({{link.parameter, link.expression}})}}));
    }
  }
  return out;
}

Json Responses(const Route& route) {
  std::map<int, Json> all;
  for (const Refusal& refusal : RefusalsOf(route)) {
    Json reasons = Json::MakeArray();
    for (const auto& reason : refusal.reasons) reasons.Push(UpperSnake(reason));
    Json out = ProblemResponse(route, refusal);
    out.Set("x-slipway-reasons", std::move(reasons));
    all.emplace(refusal.status, std::move(out));
  }
  for (const Answer& answer : route.answers) {
    // A 503 may be a Readiness document or, from an overloaded host, a problem.
    Json& out = all.try_emplace(answer.status, Json::MakeObject()).first->second;
    Json content = Content(answer.content);
    for (const auto& [type, schema] : out["content"].members()) content.Set(type, schema);
    out.Set("description", answer.description).Set("headers", Headers(answer.headers));
    if (content.empty()) {
      out.Erase("content");
    } else {
      out.Set("content", std::move(content));
    }
    if (Json links = LinksOf(answer); !links.empty()) out.Set("links", std::move(links));
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
    case Access::kAdmin:
      return "admin";
  }
  return "";
}

Json OperationOf(const Route& route) {
  Json out = Json::Obj({{"operationId", route.operation_id},
                        {"summary", route.summary},
                        {"x-permission", PermissionOf(route.access)},
                        {"parameters", Parameters(route)}});
  if (route.access == Access::kPublic) out.Set("security", Json::MakeArray());
  if (route.body) {
    out.Set("requestBody",
            Json::Obj({{"required", route.body->required},
                       {"content", Content({{route.body->type, route.body->schema}})}}));
  }
  if (route.asks_engine) out.Set("x-slipway-asks-engine", true);
  out.Set("responses", Responses(route));
  return out;
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
                                 {"schemas", MakeSchemas()}})}});
}

Document::Document(const std::vector<Route>& routes, const std::string& version,
                   const std::vector<std::string>& tiers)
    : document_(MakeOpenApi(routes, version)) {
  if (!tiers.empty()) {
    for (const char* fields : {kCreateFields, kChangeFields})
      document_.SetAt(std::string(fields) + "/tier",
                      Json::Obj({{"type", "string"}, {"enum", ToJson(tiers)}}));
  }
}

std::shared_ptr<const Document::Text> Document::For(const std::vector<std::string>& types) {
  const std::lock_guard lock(mutex_);
  if (text_ && types == types_) return text_;
  types_ = types;
  Json document = document_;
  // Without engines no database can be created, but an empty enum is not a valid schema.
  if (!types.empty())
    document.SetAt(std::string(kCreateFields) + "/databaseType/enum", ToJson(types));
  Text text;
  text.body = document.Dump();
  text.etag = "\"" + Sha256Hex(text.body).substr(0, 16) + "\"";
  return text_ = std::make_shared<const Text>(std::move(text));
}

}  // namespace slipway::api
