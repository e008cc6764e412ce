#include "devcluster/test_cluster.h"

namespace slipway::sim {
namespace {

class ApiVerbs : public TestCluster {};

TEST_F(ApiVerbs, MissingAndDoubledObjectsAreNamed) {
  auto missing = api.Get(KindOf("v1", "Pod"), "a", "p");
  ASSERT_FALSE(missing);
  EXPECT_EQ(
      missing.error().ToStatus(),
      J(R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods \"p\" not found","reason":"NotFound",
        "details":{"name":"p","kind":"pods"},"code":404})"));
  Create(ConfigMap("x"));
  auto doubled = TryCreate(ConfigMap("x"));
  ASSERT_FALSE(doubled);
  EXPECT_EQ(doubled.error().code, 409);
  EXPECT_EQ(doubled.error().reason, "AlreadyExists");
  EXPECT_EQ(doubled.error().message, "configmaps \"x\" already exists");
}

TEST_F(ApiVerbs, ACreateNeedsItsNamespace) {
  Json object = ConfigMap("x");
  object["metadata"].Set("namespace", "none");
  auto made = TryCreate(object);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, 404);
  EXPECT_EQ(made.error().message, "namespaces \"none\" not found");
}

TEST_F(ApiVerbs, NamesAreCheckedAndGenerated) {
  for (const char* bad : {"", "A", "a_b", "-a", "a-", "a..b"})
    EXPECT_EQ(TryCreate(ConfigMap(bad)).error().code, 422) << bad;
  Json generated = ConfigMap("");
  generated["metadata"].Set("generateName", "x-");
  const ObjectPtr made = Create(generated);
  EXPECT_EQ(made->name.size(), 7u);
  EXPECT_EQ(made->name.rfind("x-", 0), 0u);
}

TEST_F(ApiVerbs, SecretsTakePlainStringsAndRefuseBadBase64) {
  const Json secret =
      Create(
          J(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"a"},"stringData":{"k":"v"}})"))
          ->Parse();
  EXPECT_EQ(secret["data"]["k"].AsString(), "dg==");
  EXPECT_FALSE(secret.Has("stringData"));
  EXPECT_EQ(
      TryCreate(
          J(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"t","namespace":"a"},"data":{"k":"!"}})"))
          .error()
          .code,
      400);
}

TEST_F(ApiVerbs, ServicesGetAddresses) {
  const Json service =
      Create(
          J(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s","namespace":"a"},"spec":{"type":"LoadBalancer","ports":[{"port":5432}]}})"))
          ->Parse();
  EXPECT_EQ(service.At("/spec/clusterIP").AsString().rfind("10.96.", 0), 0u);
  EXPECT_EQ(service.At("/spec/ports/0/targetPort").AsInt(), 5432);
  EXPECT_GE(service.At("/spec/ports/0/nodePort").AsInt(), 30000);
}

TEST_F(ApiVerbs, PreconditionsOfADeleteAreHeld) {
  const ObjectPtr made = Create(ConfigMap("x"));
  auto other = Delete(ConfigMap("x"), {.uid = "00", .version = "", .propagation = ""});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, 409);
  EXPECT_NE(other.error().message.find(
                "the UID in the precondition (00) does not match the UID in record (" + made->uid),
            std::string::npos);
  auto gone =
      Delete(ConfigMap("x"),
             {.uid = made->uid, .version = std::to_string(made->version), .propagation = ""});
  ASSERT_TRUE(gone);
  EXPECT_TRUE(gone->gone);
  EXPECT_EQ(Delete(ConfigMap("x")).error().code, 404);
}

TEST_F(ApiVerbs, FinalizersHoldAnObjectUntilTheyAreGone) {
  Json object = ConfigMap("x");
  object["metadata"].Set("finalizers", Json::Arr({"example.com/keep"}));
  Create(object);
  auto deleted = Delete(object);
  ASSERT_TRUE(deleted);
  EXPECT_FALSE(deleted->gone);
  const Json held = Get("v1", "ConfigMap", "a", "x");
  EXPECT_FALSE(held["metadata"]["deletionTimestamp"].AsString().empty());
  const Kind& kind = KindOf("v1", "ConfigMap");
  EXPECT_EQ(
      api.Patch(kind, "a", "x", PatchKind::kMerge,
                J(R"({"metadata":{"finalizers":["example.com/keep","example.com/new"]}})"), {})
          .error()
          .code,
      422);
  ASSERT_TRUE(
      api.Patch(kind, "a", "x", PatchKind::kMerge, J(R"({"metadata":{"finalizers":null}})"), {}));
  EXPECT_TRUE(Get("v1", "ConfigMap", "a", "x").is_null());
}

TEST_F(ApiVerbs, ServerFieldsCannotBeWritten) {
  const Json before = Create(ConfigMap("x"))->Parse();
  auto written = api.Patch(
      KindOf("v1", "ConfigMap"), "a", "x", PatchKind::kMerge,
      J(R"({"metadata":{"creationTimestamp":"2020-01-01T00:00:00Z","deletionTimestamp":"2020-01-01T00:00:00Z"},"data":{"k":"1"}})"),
      {});
  ASSERT_TRUE(written);
  const Json after = written->object->Parse();
  EXPECT_EQ(after["metadata"]["creationTimestamp"], before["metadata"]["creationTimestamp"]);
  EXPECT_FALSE(after["metadata"].Has("deletionTimestamp"));
  EXPECT_EQ(api.Patch(KindOf("v1", "ConfigMap"), "a", "x", PatchKind::kMerge,
                      J(R"({"metadata":{"uid":"00"}})"), {})
                .error()
                .code,
            422);
}

TEST_F(ApiVerbs, BodiesMustFitTheUrl) {
  const Kind& kind = KindOf("v1", "ConfigMap");
  Json object = ConfigMap("x");
  EXPECT_EQ(
      api.Create(kind, "b", object, {}).error().message,
      "the namespace of the provided object does not match the namespace sent on the request");
  object.Set("apiVersion", "v2");
  EXPECT_EQ(api.Create(kind, "a", object, {}).error().code, 400);
  EXPECT_EQ(api.Apply(kind, "a", "other", ConfigMap("x"), {}).error().code, 400);
}

}  // namespace
}  // namespace slipway::sim
