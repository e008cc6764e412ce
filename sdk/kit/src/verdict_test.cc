#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <slipway/kit/verdict.h>

namespace slipway::kit {
namespace {

TEST(Verdict, EveryStateHasTheWordOfTheContract) {
  const std::pair<VerdictState, const char*> words[] = {{VerdictState::kProgressing, "progressing"},
                                                        {VerdictState::kReady, "ready"},
                                                        {VerdictState::kSkipped, "skipped"},
                                                        {VerdictState::kFailed, "failed"},
                                                        {VerdictState::kBlocked, "blocked"}};
  for (const auto& [state, word] : words) {
    const Json answer = Result({state, "Reason", "a message", 5, {}});
    EXPECT_EQ(answer.At("verdict/state").AsString(), word);
    // Only a stage in progress is looked at again unasked.
    EXPECT_EQ(answer.Has("retry_after_ms"), state == VerdictState::kProgressing) << word;
  }
}

TEST(Verdict, UnknownPartsAreLeftOut) {
  EXPECT_EQ(Result(Blocked("Fenced", "instances are fenced")).Dump(),
            R"({"schema":1,"verdict":{"state":"blocked","reason":"Fenced",)"
            R"("message":"instances are fenced"}})");
  EXPECT_EQ(Result(Ready("Healthy", "")).At("verdict/percent").AsInt(), 100);
  EXPECT_EQ(Skip("NothingToDo", "").At("verdict/state").AsString(), "skipped");
  const Json waits = Result(Progress("Waits", "", 7, WaitingFor("Pod", "ns", "db-1", "NotReady")));
  EXPECT_EQ(waits.At("verdict/waitingFor/name").AsString(), "db-1");
  EXPECT_EQ(waits.At("verdict/percent").AsInt(), 7);
}

TEST(Verdict, OnlyReadyIsAHundredPerCent) {
  EXPECT_EQ(Percent(3, 3), 99);
  EXPECT_EQ(Percent(1, 3), 33);
  EXPECT_EQ(Percent(4, 3), 99);
  EXPECT_EQ(Percent(0, 0), 0);
}

TEST(Verdict, AKindThatTheHostDoesNotMentionIsKnown) {
  const Json input = Json::Parse(R"({"facts":{"kinds":{"a/v1/A":false,"a/v1/B":true}}})");
  EXPECT_FALSE(Known(input, "a/v1/A"));
  EXPECT_TRUE(Known(input, "a/v1/B"));
  EXPECT_TRUE(Known(input, "a/v1/C"));
}

TEST(Inventory, ALineIsFoundByKindAndName) {
  const Json input = Json::Parse(R"({"inventory":[{"kind":"Backup","name":"a"},)"
                                 R"({"kind":"Backup","name":"b","uid":"u"}]})");
  EXPECT_EQ(InventoryLine(input, "Backup", "b")["uid"].AsString(), "u");
  EXPECT_TRUE(InventoryLine(input, "Cluster", "b").IsNull());
  EXPECT_TRUE(InventoryLine(input, "Backup", "c").IsNull());
}

}  // namespace
}  // namespace slipway::kit
