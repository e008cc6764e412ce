#include "devcluster/test_cluster.h"

namespace slipway::sim {
namespace {

class ServerSideApply : public TestCluster {
 protected:
  ServerSideApply() { Create(J(kWidgets)); }

  Json Applied(const Json& object, const std::string& manager, bool force = false) {
    auto written = Apply(object, manager, force);
    EXPECT_TRUE(written) << (written ? "" : written.error().message);
    return written ? written->object->Parse() : Json();
  }

  static Json Owned(const Json& object, const std::string& manager, const std::string& operation) {
    for (const Json& entry : object["metadata"]["managedFields"].items())
      if (entry["manager"].AsString() == manager && entry["operation"].AsString() == operation)
        return entry["fieldsV1"];
    return {};
  }
};

TEST_F(ServerSideApply, CreatesAndNotesTheOwner) {
  auto written = Apply(Widget("w", R"({"size":1})"), "slipway");
  ASSERT_TRUE(written);
  EXPECT_TRUE(written->created);
  const Json object = written->object->Parse();
  EXPECT_EQ(Owned(object, "slipway", "Apply"), J(R"({"f:spec":{"f:size":{}}})"));
}

TEST_F(ServerSideApply, WithoutEffectWritesNothing) {
  const Json widget = Widget("w", R"({"size":1,"parts":[{"name":"a","count":1}],"tags":["x"]})");
  const Json first = Applied(widget, "slipway");
  clock.Advance(5000);
  EXPECT_EQ(Applied(widget, "slipway"), first);
}

TEST_F(ServerSideApply, RemovesWhatItsManagerNoLongerSends) {
  Applied(
      Widget(
          "w",
          R"({"size":1,"code":"abc","parameters":{"a":"1","b":"2"},"parts":[{"name":"a"},{"name":"b","count":2}]})"),
      "slipway");
  const Json after =
      Applied(Widget("w", R"({"size":2,"parameters":{"b":"2"},"parts":[{"name":"b","count":2}]})"),
              "slipway");
  EXPECT_EQ(
      after["spec"],
      J(R"({"size":2,"mode":"slow","parameters":{"b":"2"},"parts":[{"name":"b","count":2}]})"));
}

TEST_F(ServerSideApply, KeepsWhatOthersWrote) {
  Applied(Widget("w", R"({"size":1,"parts":[{"name":"a"}]})"), "slipway");
  const Kind& kind = KindOf("example.com/v1", "Widget");
  ASSERT_TRUE(api.Patch(kind, "a", "w", PatchKind::kMerge,
                        J(R"({"spec":{"code":"abc"},"metadata":{"labels":{"x":"y"}}})"),
                        {.manager = "person"}));
  const Json after = Applied(Widget("w", R"({"size":2})"), "slipway");
  EXPECT_EQ(after["spec"], J(R"({"size":2,"mode":"slow","code":"abc"})"));
  EXPECT_EQ(after["metadata"]["labels"]["x"].AsString(), "y");
}

TEST_F(ServerSideApply, ConflictsAreNamedAsByTheRealServer) {
  Applied(Widget("w", R"({"size":1,"code":"abc"})"), "slipway");
  auto other = Apply(Widget("w", R"({"size":2})"), "other");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, 409);
  EXPECT_EQ(other.error().reason, "Conflict");
  EXPECT_EQ(other.error().message,
            "Apply failed with 1 conflict: conflict with \"slipway\": .spec.size");
  EXPECT_EQ(
      other.error().details["causes"],
      J(R"([{"reason":"FieldManagerConflict","message":"conflict with \"slipway\"","field":".spec.size"}])"));
  auto two = Apply(Widget("w", R"({"size":2,"code":"x"})"), "other");
  ASSERT_FALSE(two);
  EXPECT_EQ(
      two.error().message,
      "Apply failed with 2 conflicts: conflicts with \"slipway\":\n- .spec.code\n- .spec.size");
}

TEST_F(ServerSideApply, SharesAFieldOfTheSameValue) {
  Applied(Widget("w", R"({"size":1})"), "slipway");
  const Json shared = Applied(Widget("w", R"({"size":1})"), "other");
  EXPECT_FALSE(Owned(shared, "slipway", "Apply").is_null());
  EXPECT_FALSE(Owned(shared, "other", "Apply").is_null());
  // One owner gives the field up, but the other still owns it.
  Applied(Widget("w", R"({"size":1,"code":"x"})"), "other");
  EXPECT_EQ(Applied(Widget("w", R"({"size":1})"), "slipway")["spec"]["code"].AsString(), "x");
}

TEST_F(ServerSideApply, ForceTakesTheFieldOver) {
  Applied(Widget("w", R"({"size":1})"), "slipway");
  const Json taken = Applied(Widget("w", R"({"size":2})"), "other", true);
  EXPECT_EQ(taken["spec"]["size"].AsInt(), 2);
  EXPECT_TRUE(Owned(taken, "slipway", "Apply").is_null());
}

TEST_F(ServerSideApply, AnUpdateTakesAFieldFromTheApplier) {
  Applied(Widget("w", R"({"size":1})"), "slipway");
  const Kind& kind = KindOf("example.com/v1", "Widget");
  ASSERT_TRUE(api.Patch(kind, "a", "w", PatchKind::kMerge, J(R"({"spec":{"size":5}})"),
                        {.manager = "person"}));
  auto back = Apply(Widget("w", R"({"size":1})"), "slipway");
  ASSERT_FALSE(back);
  EXPECT_EQ(
      back.error().message,
      "Apply failed with 1 conflict: conflict with \"person\" using example.com/v1: .spec.size");
}

TEST_F(ServerSideApply, StatusIsASubresourceOfItsOwn) {
  Applied(Widget("w", R"({"size":1})"), "slipway");
  WriteOptions options{.manager = "operator"};
  options.subresource = "status";
  Json status = Widget("w", R"({"size":9})");
  status.Set("status", Json::Obj({{"phase", "ok"}}));
  auto written = api.Apply(KindOf("example.com/v1", "Widget"), "a", "w", status, options);
  ASSERT_TRUE(written) << written.error().message;
  const Json object = written->object->Parse();
  EXPECT_EQ(object["spec"]["size"].AsInt(), 1);
  EXPECT_EQ(object["status"]["phase"].AsString(), "ok");
  EXPECT_EQ(Owned(object, "operator", "Apply"), J(R"({"f:status":{"f:phase":{}}})"));
}

TEST_F(ServerSideApply, MergesKnownListsOfBuiltInKindsByTheirKeys) {
  const auto pod = [](const std::string& containers) {
    return J(
        R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"p","namespace":"a"},"spec":{"template":{"spec":{"containers":)" +
        containers + "}}}}");
  };
  Applied(pod(R"([{"name":"one","image":"x:1","env":[{"name":"A","value":"1"}]}])"), "slipway");
  const Json both = Applied(pod(R"([{"name":"two","image":"y:1"}])"), "other");
  ASSERT_EQ(both.At("/spec/template/spec/containers").size(), 2u);
  const Json one = Applied(pod(R"([{"name":"one","image":"x:2"}])"), "slipway");
  EXPECT_EQ(one.At("/spec/template/spec/containers/0/image").AsString(), "x:2");
  EXPECT_FALSE(one.At("/spec/template/spec/containers/0").Has("env"));
  EXPECT_EQ(one.At("/spec/template/spec/containers/1/name").AsString(), "two");
  auto conflict = Apply(pod(R"([{"name":"one","image":"x:3"}])"), "third");
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().details["causes"][0]["field"].AsString(),
            ".spec.template.spec.containers[name=\"one\"].image");
}

TEST_F(ServerSideApply, ADryRunWritesNothing) {
  WriteOptions options{.manager = "slipway"};
  options.dry_run = true;
  const uint64_t before = store.version();
  auto written = api.Apply(KindOf("example.com/v1", "Widget"), "a", "w",
                           Widget("w", R"({"size":1})"), options);
  ASSERT_TRUE(written);
  EXPECT_EQ(written->object->Parse()["spec"]["mode"].AsString(), "slow");
  EXPECT_EQ(store.version(), before);
}

TEST_F(ServerSideApply, AKeyThatIsLeftOutHasItsDefault) {
  const auto service = [](const std::string& ports) {
    return J(
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s","namespace":"a"},"spec":{"ports":)" +
        ports + "}}");
  };
  const Json first = Applied(service(R"([{"name":"db","port":5432}])"), "slipway");
  EXPECT_EQ(first.At("/spec/ports/0/protocol"), Json("TCP"));
  EXPECT_EQ(Owned(first, "slipway", "Apply").At("/f:spec/f:ports"),
            J(R"({"k:{\"port\":5432,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}}})"));
  EXPECT_EQ(Applied(service(R"([{"name":"db","port":5432}])"), "slipway"), first);
  const Json beside =
      Applied(service(R"([{"name":"db","port":5432},{"name":"u","port":5432,"protocol":"UDP"}])"),
              "slipway");
  EXPECT_EQ(beside["spec"]["ports"].size(), 2U);
  EXPECT_FALSE(Apply(service(R"([{"port":5432},{"port":5432,"protocol":"TCP"}])"), "slipway"));
}

}  // namespace
}  // namespace slipway::sim
