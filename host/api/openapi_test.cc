#include "api/openapi.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "http/router.h"

namespace slipway::api {
namespace {

void CollectRefs(const Json& value, std::set<std::string>& out) {
  if (value["$ref"].is_string()) out.insert(value["$ref"].AsString());
  for (const auto& [name, member] : value.members()) CollectRefs(member, out);
  for (const Json& item : value.items()) CollectRefs(item, out);
}

TEST(OpenApi, EveryRouteIsThereAndTheRouterTakesIt) {
  const auto routes = AllRoutes();
  const Json document = MakeOpenApi(routes, "1");
  http::Router router;
  std::set<std::string> ids;
  for (size_t i = 0; i < routes.size(); ++i) {
    const Route& route = routes[i];
    EXPECT_TRUE(router.Add(route.method, route.path, i)) << route.path;
    EXPECT_TRUE(ids.insert(route.operation_id).second) << route.operation_id;
    std::string method = route.method;
    for (char& c : method) c = static_cast<char>(c + 32);
    const Json& shown = document["paths"][route.path][method];
    EXPECT_EQ(shown["operationId"].AsString(), route.operation_id);
    EXPECT_TRUE(shown["responses"].Has("500")) << route.path;
    EXPECT_TRUE(shown["responses"].Has("400")) << route.path;
    EXPECT_EQ(shown["responses"].Has("401"), route.access != Access::kPublic) << route.path;
  }
}

const Json& ParameterOf(const Json& operation, const std::string& name) {
  for (const Json& parameter : operation["parameters"].items()) {
    if (parameter["name"].AsString() == name) return parameter;
  }
  static const Json kNone;
  return kNone;
}

TEST(OpenApi, BoundsAreThoseOfTheRow) {
  const Json paths = MakeOpenApi(AllRoutes(), "1")["paths"];
  const Json& list = paths["/v1/instances"]["get"];
  EXPECT_EQ(ParameterOf(list, "pageSize")["schema"],
            Json::Obj({{"type", "integer"}, {"minimum", 1}, {"maximum", 500}}));
  EXPECT_EQ(ParameterOf(list, "databaseType").At("/schema/pattern").AsString(),
            "^[A-Z0-9_]{1,64}$");
  const Json& operation = paths["/v1/operations/{id}"]["get"];
  EXPECT_EQ(ParameterOf(operation, "waitSeconds")["schema"],
            Json::Obj({{"type", "integer"}, {"minimum", 0}, {"maximum", 60}}));
  EXPECT_EQ(ParameterOf(operation, "id").At("/schema/pattern").AsString(), "^[0-9a-z_]{1,64}$");
  EXPECT_TRUE(ParameterOf(operation, "id")["required"].AsBool());
  // The host takes any request id and replaces a bad one.
  EXPECT_EQ(ParameterOf(operation, "X-Request-Id")["schema"], Json::Obj({{"type", "string"}}));
  const Json& create = paths["/v1/instances"]["post"];
  EXPECT_EQ(ParameterOf(create, "Idempotency-Key").At("/schema/maxLength").AsInt(), 255);
  EXPECT_EQ(ParameterOf(paths["/v1/operations/{id}/events"]["get"], "Last-Event-ID")["in"],
            Json("header"));
}

TEST(OpenApi, EveryPartOfAPathHasItsRow) {
  for (const Route& route : AllRoutes()) {
    size_t parts = 0;
    for (const Parameter& parameter : route.parameters) {
      if (parameter.in != In::kPath) continue;
      ++parts;
      EXPECT_NE(route.path.find("{" + parameter.name + "}"), std::string::npos) << route.path;
      EXPECT_FALSE(parameter.names.empty()) << route.path;
    }
    EXPECT_EQ(parts, static_cast<size_t>(std::count(route.path.begin(), route.path.end(), '{')));
    EXPECT_NE(route.handler, nullptr) << route.path;
    EXPECT_FALSE(route.answers.empty()) << route.path;
  }
}

TEST(OpenApi, EveryLinkLeadsToAnOperationAndAParameterOfIt) {
  const Json document = MakeOpenApi(AllRoutes(), "1");
  std::map<std::string, const Json*> operations;
  for (const auto& [path, item] : document["paths"].members()) {
    for (const auto& [method, operation] : item.members())
      operations[operation["operationId"].AsString()] = &operation;
  }
  std::set<std::string> targets;
  for (const auto& [id, operation] : operations) {
    for (const auto& [status, response] : (*operation)["responses"].members()) {
      for (const auto& [name, link] : response["links"].members()) {
        const auto target = operations.find(link["operationId"].AsString());
        ASSERT_NE(target, operations.end()) << id << " " << name;
        targets.insert(target->first);
        for (const auto& [parameter, expression] : link["parameters"].members())
          EXPECT_FALSE(ParameterOf(*target->second, parameter).is_null()) << id << " " << name;
      }
    }
  }
  EXPECT_TRUE(operations["createInstance"]->At("/responses/202/links").Has("operationEvents"));
  for (const char* wanted : {"getOperation", "cancelOperation", "retryOperation", "operationEvents",
                             "getInstance", "deleteInstance", "getCredentials"})
    EXPECT_TRUE(targets.contains(wanted)) << wanted;
}

TEST(OpenApi, EveryRefusalSaysItsReasons) {
  const Json paths = MakeOpenApi(AllRoutes(), "1")["paths"];
  for (const auto& [path, item] : paths.members()) {
    for (const auto& [method, operation] : item.members()) {
      for (const auto& [status, response] : operation["responses"].members()) {
        if (status[0] != '4' && status[0] != '5') continue;
        EXPECT_TRUE(response.Has("x-slipway-reasons")) << path << " " << status;
        const bool open = operation["x-slipway-asks-engine"].AsBool();
        EXPECT_TRUE(open || !response["x-slipway-reasons"].empty()) << path << " " << status;
      }
    }
  }
  const Json& taken = paths["/v1/instances"]["post"].At("/responses/409/x-slipway-reasons");
  EXPECT_EQ(taken, Json::Arr({"BACKUPS_EXPIRED", "NAME_TAKEN", "NAMESPACE_TAKEN"})) << taken.Dump();
}

TEST(OpenApi, EveryReferenceResolves) {
  const Json document = MakeOpenApi(AllRoutes(), "1");
  std::set<std::string> refs;
  CollectRefs(document, refs);
  EXPECT_GT(refs.size(), 30u);
  for (const auto& ref : refs) {
    ASSERT_EQ(ref.substr(0, 2), "#/");
    EXPECT_TRUE(document.At(ref.substr(1)).is_object()) << ref;
  }
}

TEST(OpenApi, TheDocumentFollowsTheEngines) {
  Document document(AllRoutes(), "1", {"FREE", "BIG"});
  const auto none = document.For({});
  const auto two = document.For({"A", "B"});
  EXPECT_NE(none->etag, two->etag);
  EXPECT_EQ(document.For({"A", "B"}), two);
  const auto json = Json::Parse(two->body);
  ASSERT_TRUE(json);
  const Json& fields = json->At("/components/schemas/CreateInstance/properties");
  EXPECT_EQ(fields.At("/databaseType/enum"), Json::Arr({"A", "B"}));
  EXPECT_EQ(fields.At("/tier/enum"), Json::Arr({"FREE", "BIG"}));
  EXPECT_EQ(Json::Parse(none->body)
                ->At("/components/schemas/CreateInstance/properties/databaseType/enum"),
            Json());
}

TEST(OpenApi, ResourceSchemasAreClosed) {
  const Json schemas = MakeSchemas();
  const std::set<std::string> open = {"Labels", "Document"};
  for (const auto& [name, schema] : schemas.members()) {
    if (schema["type"].AsString() != "object" || open.contains(name)) continue;
    ASSERT_TRUE(schema.Has("additionalProperties")) << name;
    EXPECT_FALSE(schema["additionalProperties"].AsBool(true)) << name;
    for (const Json& required : schema["required"].items()) {
      EXPECT_TRUE(schema["properties"].Has(required.AsString()))
          << name << " " << required.AsString();
    }
  }
}

TEST(OpenApi, AProblemIsDeclaredBesideAnOwnAnswerOfTheSameStatus) {
  const Json document = MakeOpenApi(AllRoutes(), "1");
  const Json& content = document["paths"]["/readyz"]["get"]["responses"]["503"]["content"];
  EXPECT_TRUE(content.Has("application/problem+json"));
  EXPECT_TRUE(content.Has("text/plain; charset=utf-8"));
}

}  // namespace
}  // namespace slipway::api
