#include "pipeline/lifecycle.h"

#include <gtest/gtest.h>

#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

using store::OperationState;
using store::StageState;

store::OperationRecord NewOperation(const std::string& verb) {
  store::OperationRecord operation;
  operation.id = "op_1";
  operation.verb = verb;
  operation.stages = StagesOf(PolicyOf(verb));
  return operation;
}

class Walk {
 public:
  explicit Walk(const std::string& verb) : operation(NewOperation(verb)) {}

  Walk& Then(const Input& input) {
    Outcome outcome = Transition(operation, input, now += 10);
    operation = outcome.operation;
    changed = outcome.changed;
    for (auto& event : outcome.events) events.push_back(event.type);
    return *this;
  }

  const store::StageRecord& current() const { return operation.stages[operation.stage]; }

  store::OperationRecord operation;
  std::vector<std::string> events;
  bool changed = false;
  int64_t now = 1000;
};

Planned PlanWithSkips() {
  return {
      "{}",
      "pg",
      "1.0.0",
      "ab",
      {{"BACKUP_CONFIG", "BackupNotRequested", ""}, {"METRICS_SETUP", "TierExcludesMetrics", ""}}};
}

TEST(Lifecycle, WalksTheEightStagesInOrderAndSkipsWithAReason) {
  Walk walk("create");
  walk.Then(Started{}).Then(PlanWithSkips()).Then(StageReady{});
  EXPECT_EQ(walk.current().name, "NAMESPACE_CREATION");
  walk.Then(StageReady{}).Then(StageReady{}).Then(StageReady{}).Then(StageReady{});
  EXPECT_EQ(walk.current().name, "COMPLETED");
  EXPECT_EQ(walk.operation.stages[5].state, StageState::kSkipped);
  EXPECT_EQ(walk.operation.stages[5].reason, "BackupNotRequested");
  walk.Then(StageReady{});
  EXPECT_EQ(walk.operation.state, OperationState::kSucceeded);
  EXPECT_EQ(walk.events.back(), "operation.succeeded");
}

TEST(Lifecycle, WaitingForTheSameThingKeepsSinceAndCostsNoCommit) {
  Walk walk("create");
  walk.Then(Started{}).Then(PlanWithSkips()).Then(StageReady{});
  const StageWaits waits{store::WaitingFor{"Pod", "ns", "orders-1", "ImagePullBackOff", 0},
                         "Waiting", "1 of 3"};
  walk.Then(waits);
  EXPECT_TRUE(walk.changed);
  EXPECT_EQ(walk.operation.state, OperationState::kWaiting);
  const int64_t since = walk.current().waiting_for->since_ms;
  walk.Then(waits);
  EXPECT_FALSE(walk.changed);
  StageWaits progress = waits;
  progress.message = "2 of 3";
  walk.Then(progress);
  EXPECT_TRUE(walk.changed);
  EXPECT_EQ(walk.current().waiting_for->since_ms, since);
}

TEST(Lifecycle, FailureRollsBackAndMarksWhatWasUndone) {
  Walk walk("create");
  walk.Then(Started{})
      .Then(PlanWithSkips())
      .Then(StageReady{})
      .Then(StageReady{})
      .Then(StageReady{});
  walk.Then(StageFails{{Code::kPrecondition, "ClusterUnrecoverable", "initdb failed"}});
  EXPECT_EQ(walk.operation.state, OperationState::kRollingBack);
  EXPECT_EQ(walk.current().name, "RESOURCE_DELETION");
  EXPECT_TRUE(walk.current().rollback);
  walk.Then(StageReady{}).Then(StageReady{});
  EXPECT_EQ(walk.operation.state, OperationState::kFailed);
  EXPECT_EQ(walk.operation.rollback_outcome, "COMPLETE");
  EXPECT_EQ(walk.operation.stages[1].state, StageState::kCompensated);
  EXPECT_EQ(walk.operation.stages[3].state, StageState::kFailed);
  EXPECT_EQ(walk.operation.error["reason"].AsString(), "ClusterUnrecoverable");
  EXPECT_EQ(walk.operation.error["stage"].AsString(), "WAITING_FOR_READY");
}

TEST(Lifecycle, FailureBeforeAnyEffectHasNothingToUndo) {
  Walk walk("create");
  walk.Then(Started{}).Then(StageFails{{Code::kPrecondition, "OperatorNotInstalled", ""}});
  EXPECT_EQ(walk.operation.state, OperationState::kFailed);
  EXPECT_EQ(walk.operation.rollback_outcome, "COMPLETE");
  EXPECT_EQ(walk.operation.stages.size(), 8u);
}

TEST(Lifecycle, RetainKeepsEverythingForALook) {
  Walk walk("create");
  walk.operation.on_failure = "RETAIN";
  walk.Then(Started{})
      .Then(PlanWithSkips())
      .Then(StageReady{})
      .Then(StageFails{{Code::kInvalid, "X", ""}});
  EXPECT_EQ(walk.operation.state, OperationState::kFailed);
  EXPECT_EQ(walk.operation.rollback_outcome, "RETAINED");
}

TEST(Lifecycle, CancelUndoesAndEndsCancelled) {
  Walk walk("create");
  walk.Then(Started{})
      .Then(PlanWithSkips())
      .Then(StageReady{})
      .Then(StageReady{})
      .Then(CancelAsked{});
  EXPECT_EQ(walk.operation.state, OperationState::kCancelling);
  walk.Then(StageReady{}).Then(StageReady{});
  EXPECT_EQ(walk.operation.state, OperationState::kCancelled);
}

TEST(Lifecycle, ACancelOfARetainedCreateKeepsEverything) {
  Walk walk("create");
  walk.operation.on_failure = "RETAIN";
  walk.Then(Started{})
      .Then(PlanWithSkips())
      .Then(StageReady{})
      .Then(StageReady{})
      .Then(CancelAsked{});
  EXPECT_EQ(walk.operation.state, OperationState::kCancelled);
  EXPECT_EQ(walk.operation.rollback_outcome, "RETAINED");
  EXPECT_EQ(walk.operation.stages.size(), 8u) << "no stage that deletes";
}

TEST(Lifecycle, NoVerbButTheOneThatMadeTheInstanceIsUndone) {
  for (const bool cancelled : {false, true}) {
    Walk walk("repair");
    walk.operation.on_failure = "ROLLBACK";  // whatever the row says
    walk.Then(Started{}).Then(PlanWithSkips()).Then(StageReady{}).Then(StageReady{});
    walk.Then(cancelled ? Input(CancelAsked{}) : Input(StageFails{{Code::kInvalid, "X", ""}}));
    EXPECT_TRUE(store::IsTerminal(walk.operation.state));
    EXPECT_EQ(walk.operation.rollback_outcome, "RETAINED");
    for (const auto& stage : walk.operation.stages) EXPECT_FALSE(stage.rollback);
  }
}

TEST(Lifecycle, DurationsAreNeverNegativeWhateverTheWallClockDoes) {
  Walk walk("create");
  walk.Then(Started{});
  walk.now -= 3'600'000;
  const Outcome outcome = Transition(walk.operation, StageReady{}, walk.now);
  EXPECT_EQ(outcome.operation.stages[0].finished_ms, outcome.operation.stages[0].started_ms);
  const auto data = Json::Parse(outcome.events.front().data);
  EXPECT_EQ((*data)["durationMs"].AsInt(-1), 0);
}

TEST(Lifecycle, LongMessagesAreCutAtACharacter) {
  Walk walk("create");
  walk.Then(Started{});
  std::string text;
  while (text.size() < 1'000'000) text += "\u00e4";
  walk.Then(StageWaits{store::WaitingFor{"Pod", "ns", "x", "R", 0, text}, "R", text});
  EXPECT_LT(walk.current().message.size(), 5000u);
  EXPECT_LT(walk.current().waiting_for->message.size(), 5000u);
  EXPECT_TRUE(Json::Parse(Json(walk.current().message).Dump())) << "still UTF-8";
  walk.Then(StageWaits{store::WaitingFor{"Pod", "ns", "x", "R", 0, text}, "R", text});
  EXPECT_FALSE(walk.changed) << "the same long message is not news";
  walk.Then(StageFails{{Code::kInvalid, "X", text}});
  EXPECT_LT(walk.operation.error.Dump().size(), 11'000u);
}

TEST(Lifecycle, AFailedRollbackIsPartialNotSilent) {
  Walk walk("create");
  walk.Then(Started{})
      .Then(PlanWithSkips())
      .Then(StageReady{})
      .Then(StageReady{})
      .Then(StageFails{{Code::kInvalid, "X", ""}});
  walk.Then(StageFails{{Code::kDeadline, "StageDeadlineExceeded", ""}});
  EXPECT_EQ(walk.operation.state, OperationState::kFailed);
  EXPECT_EQ(walk.operation.rollback_outcome, "PARTIAL");
  EXPECT_EQ(walk.operation.error["reason"].AsString(), "X")
      << "the first failure is the one to show";
}

TEST(Lifecycle, ADeleteIsNeverRolledBackItBlocks) {
  Walk walk("delete");
  walk.Then(Started{}).Then(StageReady{}).Then(StageFails{{Code::kInvalid, "X", ""}});
  EXPECT_EQ(walk.operation.state, OperationState::kBlocked);
  walk.Then(CancelAsked{});
  EXPECT_EQ(walk.operation.state, OperationState::kBlocked);
}

TEST(Lifecycle, RetriesCountAttemptsAndSuccessResetsThem) {
  Walk walk("create");
  walk.Then(Started{});
  const StageRetries retries{{Code::kUnavailable, "ConnectFailed", "no route"},
                             store::WaitingFor{"APIServer", "", "", "ConnectFailed", 0}};
  walk.Then(retries).Then(retries);
  EXPECT_EQ(walk.current().attempts, 2);
  EXPECT_EQ(walk.current().error["reason"].AsString(), "ConnectFailed");
  walk.Then(StageReady{});
  EXPECT_TRUE(walk.operation.stages[0].error.is_null());
  EXPECT_EQ(walk.operation.state, OperationState::kRunning);
}

TEST(Lifecycle, AnOutageUsesUpNoTriesOfWhatFailsNext) {
  Walk walk("create");
  walk.Then(Started{});
  const StageRetries away{{Code::kUnavailable, "ConnectFailed", "no route"},
                          store::WaitingFor{"APIServer", "", "", "ConnectFailed", 0}};
  const StageRetries fell{{Code::kInternal, "EngineFell", "boom"},
                          store::WaitingFor{"Engine", "", "toy", "EngineFell", 0}};
  for (int i = 0; i < 9; ++i) walk.Then(away);
  EXPECT_EQ(walk.current().attempts, 9);
  walk.Then(fell);
  EXPECT_EQ(walk.current().attempts, 1);
  walk.Then(fell);
  EXPECT_EQ(walk.current().attempts, 2);
}

}  // namespace
}  // namespace slipway::pipeline
