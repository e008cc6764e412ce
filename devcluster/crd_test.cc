#include "devcluster/crds.h"
#include "devcluster/test_cluster.h"

namespace slipway::sim {
namespace {

class CustomResources : public TestCluster {
 protected:
  CustomResources() { Create(J(kWidgets)); }

  static WriteOptions Strict() {
    WriteOptions options;
    options.validation = FieldValidation::kStrict;
    return options;
  }

  Failure Refused(const std::string& spec) {
    auto created = TryCreate(Widget("w", spec), Strict());
    EXPECT_FALSE(created) << spec;
    return created ? Failure{} : created.error();
  }
};

TEST_F(CustomResources, AreServedOnceDefined) {
  EXPECT_NE(kinds.ByResource("example.com", "v1", "widgets"), nullptr);
  const Json definition =
      Get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "widgets.example.com");
  EXPECT_EQ(definition.At("/status/conditions/1/type").AsString(), "Established");
  EXPECT_EQ(definition.At("/spec/names/listKind").AsString(), "WidgetList");
}

TEST_F(CustomResources, GoWithTheirDefinition) {
  Create(Widget("w", R"({"size":1})"));
  ASSERT_TRUE(Delete(J(kWidgets)));
  EXPECT_EQ(kinds.ByResource("example.com", "v1", "widgets"), nullptr);
  EXPECT_EQ(store.Count("example.com/widgets", ""), 0u);
}

TEST_F(CustomResources, GetDefaultsAndAreCounted) {
  const Json made = Create(Widget("w", R"({"size":1})"))->Parse();
  EXPECT_EQ(made["spec"]["mode"].AsString(), "slow");
  EXPECT_EQ(made["metadata"]["generation"].AsInt(), 1);
  EXPECT_FALSE(made["metadata"]["uid"].AsString().empty());
}

TEST_F(CustomResources, LoseUnknownFieldsWithAWarning) {
  auto made = TryCreate(
      Widget("w", R"({"size":1,"foo":2,"free":{"any":[1]},"parts":[{"name":"a","bar":1}]})"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->warnings, (std::vector<std::string>{"unknown field \"spec.foo\"",
                                                      "unknown field \"spec.parts[0].bar\""}));
  const Json object = made->object->Parse();
  EXPECT_FALSE(object["spec"].Has("foo"));
  EXPECT_TRUE(object["spec"]["free"].Has("any"));
}

TEST_F(CustomResources, WithUnknownFieldsAreRefusedWhenStrict) {
  const Failure post = Refused(R"({"size":1,"foo":2})");
  EXPECT_EQ(post.code, 400);
  EXPECT_EQ(post.reason, "BadRequest");
  EXPECT_EQ(post.message,
            "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: "
            "unknown field \"spec.foo\"");

  auto applied = Apply(Widget("w", R"({"size":1,"foo":2})"), "slipway");
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, 500);
  EXPECT_EQ(applied.error().message,
            "failed to create typed patch object (a/w; example.com/v1, Kind=Widget): .spec.foo: "
            "field not declared in schema");

  Create(Widget("w", R"({"size":1})"));
  auto merged = api.Patch(KindOf("example.com/v1", "Widget"), "a", "w", PatchKind::kMerge,
                          J(R"({"spec":{"foo":1}})"), Strict());
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, 422);
  EXPECT_EQ(merged.error().details.At("/causes/0/field").AsString(), "patch");
}

TEST_F(CustomResources, OfAWrongTypeAreRefusedByApplyAsTheRealServerDoes) {
  auto applied =
      Apply(Widget("w", R"({"size":1,"parameters":{"max_connections":100}})"), "slipway");
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, 500);
  EXPECT_EQ(applied.error().message,
            "failed to create typed patch object (a/w; example.com/v1, Kind=Widget): "
            ".spec.parameters.max_connections: expected string, got "
            "&value.valueUnstructured{Value:100}");
}

TEST_F(CustomResources, AreCheckedInTheWordsOfTheRealServer) {
  const Failure zero = Refused(R"({"size":0})");
  EXPECT_EQ(zero.code, 422);
  EXPECT_EQ(zero.message,
            "Widget.example.com \"w\" is invalid: spec.size: Invalid value: 0: spec.size in body "
            "should be greater than or equal to 1");
  EXPECT_EQ(zero.details["kind"].AsString(), "Widget");
  EXPECT_EQ(zero.details["group"].AsString(), "example.com");
  EXPECT_EQ(zero.details.At("/causes/0/field").AsString(), "spec.size");
  EXPECT_EQ(zero.details.At("/causes/0/reason").AsString(), "FieldValueInvalid");

  EXPECT_EQ(Refused("{}").details.At("/causes/0/message").AsString(), "Required value");
  EXPECT_EQ(Refused(R"({"size":1,"mode":"NONE"})").message,
            "Widget.example.com \"w\" is invalid: spec.mode: Unsupported value: \"NONE\": "
            "supported values: \"fast\", \"slow\"");
  EXPECT_EQ(Refused(R"({"size":1,"code":"a-1"})").details.At("/causes/0/message").AsString(),
            "Invalid value: \"a-1\": spec.code in body should match '^[a-z]+$'");
  EXPECT_EQ(Refused(R"({"size":1,"code":"abcdef"})").details.At("/causes/0/reason").AsString(),
            "FieldValueTooLong");
  EXPECT_EQ(Refused(R"({"size":"x"})").details.At("/causes/0/reason").AsString(),
            "FieldValueTypeInvalid");
  EXPECT_EQ(Refused(R"({"size":1,"port":true})").details.At("/causes/0/reason").AsString(),
            "FieldValueTypeInvalid");
  EXPECT_EQ(Refused(R"({"size":1,"parts":[{"name":"a"},{"name":"a"}]})")
                .details.At("/causes/0/reason")
                .AsString(),
            "FieldValueDuplicate");
  const Failure two = Refused(R"({"size":99,"mode":"x"})");
  EXPECT_EQ(two.details["causes"].size(), 2u);
  EXPECT_NE(two.message.find("is invalid: ["), std::string::npos);
  EXPECT_TRUE(
      TryCreate(Widget("ok", R"({"size":9,"port":"http","note":null,"tags":[]})"), Strict()));
}

TEST_F(CustomResources, CountGenerationsOfTheSpecOnly) {
  Create(Widget("w", R"({"size":1})"));
  const Kind& kind = KindOf("example.com/v1", "Widget");
  auto patch = [&](const std::string& text, const std::string& subresource) {
    WriteOptions options;
    options.subresource = subresource;
    auto written = api.Patch(kind, "a", "w", PatchKind::kMerge, J(text), options);
    EXPECT_TRUE(written);
    return written->object->Parse();
  };
  EXPECT_EQ(patch(R"({"metadata":{"labels":{"x":"y"}}})", "")["metadata"]["generation"].AsInt(), 1);
  EXPECT_EQ(patch(R"({"spec":{"size":2}})", "")["metadata"]["generation"].AsInt(), 2);
  const Json status = patch(R"({"spec":{"size":5},"status":{"phase":"ok"}})", "status");
  EXPECT_EQ(status["spec"]["size"].AsInt(), 2) << "the status subresource writes nothing else";
  EXPECT_EQ(status["status"]["phase"].AsString(), "ok");
  EXPECT_EQ(status["metadata"]["generation"].AsInt(), 2);
  EXPECT_EQ(
      patch(R"({"status":{"phase":"lost"},"spec":{"size":3}})", "")["status"]["phase"].AsString(),
      "ok");
}

TEST_F(CustomResources, NeedTheirVersionInAnUpdate) {
  Create(Widget("w", R"({"size":1})"));
  const Kind& kind = KindOf("example.com/v1", "Widget");
  auto blind = api.Update(kind, "a", "w", Widget("w", R"({"size":2})"), {});
  ASSERT_FALSE(blind);
  EXPECT_EQ(
      blind.error().message,
      "widgets.example.com \"w\" is invalid: metadata.resourceVersion: Invalid value: 0: must "
      "be specified for an update");
  Json stale = Get("example.com/v1", "Widget", "a", "w");
  stale["spec"].Set("size", 3);
  ASSERT_TRUE(api.Update(kind, "a", "w", stale, {}));
  stale["spec"].Set("size", 4);
  auto again = api.Update(kind, "a", "w", stale, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, 409);
  EXPECT_EQ(again.error().message,
            "Operation cannot be fulfilled on widgets.example.com \"w\": the object has been "
            "modified; please apply your changes to the "
            "latest version and try again");
}

TEST(Definitions, OfOurOwnAreServable) {
  auto definitions = BuiltinDefinitions();
  ASSERT_TRUE(definitions) << definitions.error().message;
  bool cluster = false;
  for (Json& definition : *definitions) {
    auto complete = CompleteDefinition(definition, "2026-01-01T00:00:00Z");
    ASSERT_TRUE(complete) << complete.error().message;
    const std::vector<Kind> served = KindsOf(definition);
    ASSERT_EQ(served.size(), 1u);
    if (served[0].kind != "Cluster") continue;
    cluster = true;
    Json object = *Json::Parse(
        R"({"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{},"spec":{"instances":1}})");
    ApplyDefaults(*served[0].schema, object);
    EXPECT_EQ(object.At("/spec/primaryUpdateStrategy").AsString(), "unsupervised");
    EXPECT_EQ(object.At("/spec/replicationSlots/highAvailability/slotPrefix").AsString(), "_cnpg_");
    EXPECT_TRUE(Validate(*served[0].schema, object).empty());
  }
  EXPECT_TRUE(cluster);
}

}  // namespace
}  // namespace slipway::sim
