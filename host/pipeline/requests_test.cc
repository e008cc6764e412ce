// Retry, cancel, supersede and the instance's state: every state of an operation with every verb.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "pipeline/lifecycle.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline {
namespace {

using store::OperationRecord;
using store::OperationState;
using store::StageState;

constexpr OperationState kStates[] = {
    OperationState::kPending,    OperationState::kRunning,     OperationState::kWaiting,
    OperationState::kCancelling, OperationState::kRollingBack, OperationState::kBlocked,
    OperationState::kSucceeded,  OperationState::kFailed,      OperationState::kCancelled};
constexpr const char* kVerbNames[] = {"create", "restore", "drill", "delete",
                                      "repair", "backup",  "update"};

OperationRecord In(const char* verb, OperationState state, const std::string& rollback_reason = "",
                   const std::string& outcome = "") {
  OperationRecord operation;
  operation.id = "op_1";
  operation.verb = verb;
  operation.state = state;
  operation.stages = StagesOf(PolicyOf(verb));
  operation.rollback_reason = rollback_reason;
  operation.rollback_outcome = outcome;
  return operation;
}

bool Undoing(OperationState state) {
  return state == OperationState::kCancelling || state == OperationState::kRollingBack;
}

TEST(Requests, CancelIsTakenWhereItIsOfferedAndNowhereElse) {
  for (const char* verb : kVerbNames) {
    for (const OperationState state : kStates) {
      OperationRecord operation = In(verb, state, Undoing(state) ? "Failed" : "");
      const bool offered = MayCancel(operation);
      const bool expected =
          !store::IsTerminal(state) && !Undoing(state) && std::string(verb) != "delete";
      EXPECT_EQ(offered, expected) << verb << " " << store::Name(state);
      const auto edit = Cancel(operation, 7);
      EXPECT_EQ(static_cast<bool>(edit), offered) << verb << " " << store::Name(state);
      if (!edit) {
        EXPECT_EQ(edit.error().reason, "OperationNotCancellable");
        continue;
      }
      EXPECT_TRUE(edit->operation.cancel_asked);
      EXPECT_EQ(edit->events.size(), 1u);
      EXPECT_FALSE(edit->takes_over) << "the tick that runs sees the question";
      const auto again = Cancel(edit->operation, 8);
      ASSERT_TRUE(again);
      EXPECT_TRUE(again->events.empty());
    }
  }
}

TEST(Requests, RetryGoesOnWithWhatStoppedForAPerson) {
  store::InstanceRecord instance;
  for (const char* verb : kVerbNames) {
    for (const OperationState state : kStates) {
      for (const char* outcome : {"", "RETAINED", "COMPLETE", "PARTIAL"}) {
        OperationRecord operation = In(verb, state, Undoing(state) ? "Failed" : "", outcome);
        operation.stage = 1;
        operation.stages[1].state = StageState::kFailed;
        operation.stages[1].attempts = 4;
        operation.stages[1].spent_ms = 99;
        operation.error = Json::Obj({{"reason", "X"}});
        const auto edit = Retry(operation, instance, nullptr, {}, 7);
        const bool over = store::IsTerminal(state);
        const bool kept = std::string(outcome) == "RETAINED" &&
                          (state == OperationState::kFailed || state == OperationState::kCancelled);
        const std::string where = std::string(verb) + " " + store::Name(state) + " " + outcome;
        EXPECT_EQ(static_cast<bool>(edit), !over || kept) << where;
        if (!edit) {
          EXPECT_EQ(edit.error().reason, "OperationNotRetryable") << where;
          continue;
        }
        if (state != OperationState::kBlocked && !over) {
          EXPECT_FALSE(edit->takes_over) << where << ": it is only looked at again";
          EXPECT_EQ(edit->operation.stages[1].attempts, 4);
          continue;
        }
        EXPECT_TRUE(edit->takes_over) << where;
        EXPECT_EQ(edit->operation.state, OperationState::kRunning) << where;
        EXPECT_EQ(edit->operation.stages[1].state, StageState::kPending);
        EXPECT_EQ(edit->operation.stages[1].spent_ms, 0) << "its limit starts afresh";
        EXPECT_TRUE(edit->operation.error.is_null());
        EXPECT_EQ(edit->operation.rollback_outcome, "");
      }
    }
  }
}

TEST(Requests, RetryOfABlockedUndoGoesOnUndoing) {
  for (const auto& [reason, state] : std::map<std::string, OperationState>{
           {"Failed", OperationState::kRollingBack}, {"Cancelled", OperationState::kCancelling}}) {
    OperationRecord operation = In("create", OperationState::kBlocked, reason);
    for (auto& record : WayBackOf(PolicyOf("create"))) operation.stages.push_back(record);
    operation.stage = 8;
    const auto edit = Retry(operation, {}, nullptr, {}, 7);
    ASSERT_TRUE(edit);
    EXPECT_EQ(edit->operation.state, state);
    EXPECT_EQ(edit->operation.rollback_reason, reason);
    EXPECT_EQ(edit->operation.stage, 8u);
  }
}

TEST(Requests, RetryGivesWayAndTakesANewEngine) {
  const OperationRecord blocked = In("create", OperationState::kBlocked);
  OperationRecord other = In("delete", OperationState::kRunning);
  other.id = "op_2";
  EXPECT_EQ(Retry(blocked, {}, &other, {}, 7).error().reason, "OperationInProgress");
  EXPECT_TRUE(Retry(blocked, {}, &blocked, {}, 7));
  store::InstanceRecord gone;
  gone.deleted_ms = 5;
  EXPECT_EQ(Retry(blocked, gone, nullptr, {}, 7).error().reason, "OperationNotRetryable");
  const auto edit = Retry(blocked, {}, &blocked, EnginePin{"1.1.0", "abc"}, 7);
  EXPECT_EQ(edit->operation.engine_sha256, "abc");
  EXPECT_EQ(edit->operation.engine_version, "1.1.0");
}

TEST(Requests, ANewOperationMeetsTheOneThatRuns) {
  for (const char* verb : kVerbNames) {
    const OperationRecord wanted = In(verb, OperationState::kPending);
    store::InstanceRecord instance;
    for (const char* running : kVerbNames) {
      OperationRecord live = In(running, OperationState::kRunning);
      live.id = "op_live";
      live.stages[0].state = StageState::kRunning;
      live.stages[0].started_ms = 1;
      const auto admission = Admit(wanted, instance, &live, 7);
      if (std::string(verb) != "delete") {
        ASSERT_FALSE(admission);
        EXPECT_EQ(admission.error().reason, "OperationInProgress");
        EXPECT_EQ(admission.error().field, "op_live");
        continue;
      }
      ASSERT_TRUE(admission);
      EXPECT_EQ(admission->join, std::string(running) == "delete");
      EXPECT_EQ(admission->superseded.has_value(), !admission->join);
      if (admission->join) continue;
      EXPECT_EQ(admission->superseded->operation.state, OperationState::kCancelled);
      EXPECT_EQ(admission->superseded->operation.stages[0].state, StageState::kFailed);
      EXPECT_EQ(admission->superseded->operation.error["reason"].AsString(), "Superseded");
      EXPECT_TRUE(admission->superseded->takes_over);
    }
    const std::set<std::string> standing{"ACTIVE", "DEGRADED"};
    for (const char* state : {"PROVISIONING", "ACTIVE", "DEGRADED", "DELETING", "FAILED"}) {
      instance.state = state;
      const auto admission = Admit(wanted, instance, nullptr, 7);
      EXPECT_EQ(static_cast<bool>(admission),
                standing.count(state) > 0 || std::string(verb) == "delete")
          << verb << " " << state;
      if (!admission) {
        EXPECT_EQ(admission.error().reason, "WrongState");
      }
    }
  }
}

TEST(Requests, ADeleteCanBeTakenBackUntilItsFinalBackupIsDone) {
  OperationRecord operation = In("delete", OperationState::kWaiting);
  const Json asked = Json::Obj({{kFinalBackup, true}});
  std::vector<std::string> names;
  for (const auto& record : StagesOf(PolicyOf("delete"), asked)) names.push_back(record.name);
  EXPECT_EQ(names, (std::vector<std::string>{"VALIDATING", "BACKUP", "RESOURCE_DELETION",
                                             "NAMESPACE_DELETION", "COMPLETED"}));
  EXPECT_EQ(operation.stages.size(), 4u) << "nobody asked for one";
  operation.stages = StagesOf(PolicyOf("delete"), asked);
  for (size_t at = 0; at < operation.stages.size(); ++at) {
    operation.stage = at;
    EXPECT_EQ(MayCancel(operation), at == 1) << names[at];
  }
  operation.stage = 1;
  operation.stages[1].state = StageState::kRunning;
  const Error full{Code::kUnavailable, "BackupFailed", "the store is full"};
  for (const Input& end :
       {Input(StageFails{full}), Input(StageBlocks{full}), Input(CancelAsked{})}) {
    const OperationRecord ended = Transition(operation, end, 7).operation;
    EXPECT_TRUE(store::IsTerminal(ended.state));
    EXPECT_EQ(ended.rollback_outcome, "");
    EXPECT_FALSE(Retry(ended, {}, nullptr, {}, 8)) << "a backup that failed is not taken again";
    store::InstanceRecord instance;
    instance.state = "DELETING";
    const auto after = InstanceAfter(ended, instance);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->state, "ACTIVE");
    EXPECT_FALSE(after->deleted);
  }
  // What has begun to delete goes on for ever.
  operation.stage = 2;
  operation.stages[2].state = StageState::kRunning;
  EXPECT_EQ(Transition(operation, StageFails{full}, 7).operation.state, OperationState::kBlocked);
}

// verb, state of the operation, outcome → state of an instance that was ACTIVE, deleted
TEST(Requests, TheInstanceFollowsItsOperation) {
  store::InstanceRecord active;
  active.state = "ACTIVE";
  const auto after = [&](const char* verb, OperationState state, const char* outcome = "") {
    OperationRecord operation = In(verb, state, "", outcome);
    operation.error = Json::Obj({{"reason", "Because"}, {"message", "so"}});
    const auto change = InstanceAfter(operation, active);
    if (!change) return std::string("same");
    return change->state + (change->deleted ? " deleted" : "") +
           (change->reason.empty() ? "" : " " + change->reason);
  };
  EXPECT_EQ(after("create", OperationState::kRunning), "PROVISIONING");
  EXPECT_EQ(after("create", OperationState::kSucceeded), "same");
  EXPECT_EQ(after("create", OperationState::kBlocked), "PROVISIONING Because");
  EXPECT_EQ(after("create", OperationState::kFailed, "COMPLETE"), "FAILED deleted Because");
  EXPECT_EQ(after("create", OperationState::kFailed, "PARTIAL"), "FAILED Because");
  EXPECT_EQ(after("create", OperationState::kFailed, "RETAINED"), "FAILED Because");
  EXPECT_EQ(after("create", OperationState::kCancelled, "COMPLETE"), "FAILED deleted Because");
  EXPECT_EQ(after("drill", OperationState::kRunning), "PROVISIONING");
  EXPECT_EQ(after("drill", OperationState::kSucceeded), "PROVISIONING deleted");
  EXPECT_EQ(after("drill", OperationState::kFailed, "COMPLETE"), "FAILED deleted Because");
  EXPECT_EQ(after("drill", OperationState::kFailed, "PARTIAL"), "FAILED Because");
  EXPECT_EQ(after("delete", OperationState::kRunning), "DELETING");
  EXPECT_EQ(after("delete", OperationState::kBlocked), "DELETING Because");
  EXPECT_EQ(after("delete", OperationState::kSucceeded), "DELETING deleted");
  EXPECT_EQ(after("restart", OperationState::kRunning), "RESTARTING");
  EXPECT_EQ(after("restart", OperationState::kBlocked), "RESTARTING Because");
  EXPECT_EQ(after("restart", OperationState::kFailed, "RETAINED"), "ACTIVE Because");
  EXPECT_EQ(after("restart", OperationState::kSucceeded), "same");
  EXPECT_EQ(after("switchover", OperationState::kRunning), "SWITCHING_OVER");
  EXPECT_EQ(after("switchover", OperationState::kCancelled, "RETAINED"), "ACTIVE Because");
  EXPECT_EQ(after("repair", OperationState::kRunning), "same");
  EXPECT_EQ(after("repair", OperationState::kFailed, "RETAINED"), "ACTIVE Because");
  EXPECT_EQ(after("repair", OperationState::kSucceeded), "same");
}

}  // namespace
}  // namespace slipway::pipeline
