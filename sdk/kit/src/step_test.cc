#include <optional>
#include <string>

#include <gtest/gtest.h>

#include <slipway/kit/step.h>

namespace slipway::kit {
namespace {

constexpr int64_t kNow = 1790000000000;
constexpr MainObject kCluster{"DbCluster", "Cluster"};

Instance TheInstance() {
  return Instance(Json::Parse(
      R"({"instance":{"id":"i","name":"orders","namespace":"acme"},"spec":{"tier":"FREE"}})"));
}

TEST(WaitedMs, AStartThatCannotBeIsNoDuration) {
  for (const char* input :
       {"{}", R"({"stage_started_ms":0})", R"({"stage_started_ms":-5})",
        R"({"stage_started_ms":null})", R"({"stage_started_ms":"1789999999000"})",
        R"({"stage_started_ms":1.5})", R"({"stage_started_ms":1790000000000})",
        R"({"stage_started_ms":1790000000001})", R"({"stage_started_ms":9223372036854775807})",
        R"({"stage_started_ms":-9223372036854775808})"}) {
    EXPECT_EQ(WaitedMs(Json::Parse(input), kNow), 0) << input;
  }
}

TEST(WaitedMs, CountsFromTheStart) {
  EXPECT_EQ(WaitedMs(Json::Obj({{"stage_started_ms", kNow - 61000}}), kNow), 61000);
  // A clock that was set back far is a start in the future.
  EXPECT_EQ(WaitedMs(Json::Obj({{"stage_started_ms", kNow}}), 0), 0);
}

TEST(MainObject, IsMissingThenCreatedThenGoing) {
  const Instance instance = TheInstance();
  const Json there = Json::Parse(R"({"kind":"DbCluster","metadata":{"name":"orders"}})");
  const Json going = Json::Parse(
      R"({"kind":"DbCluster","metadata":{"name":"orders","deletionTimestamp":"2026-01-01"}})");
  const Judgement created = kCluster.Created(instance, nullptr);
  EXPECT_EQ(created.reason, "ClusterMissing");
  EXPECT_EQ(created.message, "the DbCluster is being created");
  EXPECT_EQ(created.waiting_for.Dump(),
            R"({"kind":"DbCluster","namespace":"acme","name":"orders","reason":"NotObserved"})");
  EXPECT_TRUE(kCluster.Created(instance, &there).IsReady());
  EXPECT_EQ(kCluster.Absent(instance, nullptr)->waiting_for["reason"].AsString(), "NotFound");
  EXPECT_EQ(kCluster.Absent(instance, &going)->reason, "ClusterTerminating");
  EXPECT_FALSE(kCluster.Absent(instance, &there).has_value());
}

TEST(OperatorSilent, NamesOperatorAndSeconds) {
  const Judgement silent = OperatorSilent("the DbCluster has had no status", "its operator", 61999,
                                          kCluster.Waiting(TheInstance(), "OperatorNotResponding"));
  EXPECT_EQ(silent.reason, "OperatorNotResponding");
  EXPECT_EQ(silent.message,
            "the DbCluster has had no status for 61 s: its operator is not running or does not "
            "watch this namespace");
}

TEST(Kinds, AMissingOneBlocksOrSkips) {
  const Json without = Json::Parse(
      R"({"facts":{"kinds":{"a.b/v1/Store":false,"monitoring.coreos.com/v1/PodMonitor":false}}})");
  const auto blocked = BlockedWithout(without, "a.b/v1/Store", "the plugin");
  ASSERT_TRUE(blocked.has_value());
  EXPECT_EQ(blocked->At("verdict/reason").AsString(), "StoreCrdMissing");
  EXPECT_EQ(blocked->At("verdict/message").AsString(),
            "a.b/v1/Store is not known to the cluster: install the plugin");
  EXPECT_FALSE(BlockedWithout(Json::Obj(), "a.b/v1/Store", "the plugin").has_value());

  const Json monitor = Json::Obj({{"kind", "PodMonitor"}});
  EXPECT_EQ(ApplyMonitor(without, monitor).At("verdict/reason").AsString(), "PodMonitorCrdMissing");
  EXPECT_EQ(ApplyMonitor(Json::Obj(), monitor)["apply"], Json::Arr({monitor}));
}

TEST(CredentialsReady, SaysWhereAndWhichSecret) {
  const Json answer =
      CredentialsReady("made", Json::Arr({Endpoint("primary", "READ_WRITE", "orders-rw", 5432)}),
                       "orders-app", Json::Obj({{"password", "pw"}}));
  EXPECT_EQ(answer["outputs"].Dump(),
            R"({"endpoints":[{"name":"primary","role":"READ_WRITE","service":"orders-rw",)"
            R"("port":5432}],"credentials":{"secret":"orders-app","fields":{"password":"pw"}}})");
}

}  // namespace
}  // namespace slipway::kit
