#include "api/openapi.h"

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
  const auto routes = MakeRoutes();
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

TEST(OpenApi, EveryReferenceResolves) {
  const Json document = MakeOpenApi(MakeRoutes(), "1");
  std::set<std::string> refs;
  CollectRefs(document, refs);
  EXPECT_GT(refs.size(), 30u);
  for (const auto& ref : refs) {
    ASSERT_EQ(ref.substr(0, 2), "#/");
    EXPECT_TRUE(document.At(ref.substr(1)).is_object()) << ref;
  }
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
  const Json document = MakeOpenApi(MakeRoutes(), "1");
  const Json& content = document["paths"]["/readyz"]["get"]["responses"]["503"]["content"];
  EXPECT_TRUE(content.Has("application/problem+json"));
  EXPECT_TRUE(content.Has("text/plain; charset=utf-8"));
}

}  // namespace
}  // namespace slipway::api
