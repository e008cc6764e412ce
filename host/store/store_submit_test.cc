#include "store/store_fixture.h"

namespace slipway::store {
namespace {

using SubmitTest = StoreTest;

TEST_F(SubmitTest, WritesInstanceOperationStagesAndEvent) {
  const Submitted made = Created("db");
  EXPECT_FALSE(made.replayed);
  const auto operation = store_->GetOperation(made.operation.id);
  ASSERT_TRUE(operation);
  ASSERT_EQ(operation->stages.size(), 2u);
  EXPECT_EQ(operation->stages[1].name, "PROVISION");
  EXPECT_EQ(operation->created_ms, clock_.NowMs());
  EXPECT_EQ(store_->GetInstance(made.instance.id)->name, "db");
  EXPECT_EQ((*store_->LiveOperation(made.instance.id))->id, made.operation.id);
  const auto events = store_->Events(made.operation.id, 0, 10);
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(events->front().type, "operation.created");
}

TEST_F(SubmitTest, RefusesATakenNameAndNamesItsHolder) {
  const Submitted made = Created("db");
  EXPECT_REASON(store_->Submit(Creation("db")), kAlreadyExists, "NameTaken");
  EXPECT_EQ(store_->Submit(Creation("db")).error().field, made.instance.id);
  EXPECT_TRUE(store_->Submit(Creation("db", "other", "acme-other")));
}

TEST_F(SubmitTest, FreesTheNameOfADeletedInstanceAndKeepsItsHistory) {
  const Submitted made = Created("db");
  Finish(made.operation, OperationState::kSucceeded, true);
  Created("db");
  const auto old = store_->GetInstance(made.instance.id);
  EXPECT_EQ(old->state, "DELETED");
  EXPECT_EQ(old->deleted_ms, clock_.NowMs());
  EXPECT_TRUE(store_->GetOperation(made.operation.id));
}

TEST_F(SubmitTest, RefusesANamespaceOfAnotherProject) {
  Created("db");
  EXPECT_REASON(store_->Submit(Creation("db2", "other")), kConflict, "NamespaceTaken");
  EXPECT_TRUE(store_->Submit(Creation("db2"))) << "the same project shares it";
}

TEST_F(SubmitTest, RefusesASecondLiveOperation) {
  const Submitted made = Created("db");
  Submission second = Deletion(made.instance.id);
  second.admit = nullptr;
  EXPECT_REASON(store_->Submit(second), kConflict, "OperationInProgress");
  EXPECT_EQ(store_->Submit(second).error().field, made.operation.id);
  Finish(made.operation, OperationState::kSucceeded);
  EXPECT_TRUE(store_->Submit(second));
}

TEST_F(SubmitTest, RefusesAnUnknownOrDeletedInstance) {
  EXPECT_REASON(store_->Submit(Deletion("ins_none")), kNotFound, "InstanceNotFound");
  const Submitted made = Created("db");
  Finish(made.operation, OperationState::kSucceeded, true);
  EXPECT_REASON(store_->Submit(Deletion(made.instance.id)), kNotFound, "InstanceNotFound");
}

TEST_F(SubmitTest, EndsTheLiveOperationAsItsAdmissionSays) {
  const Submitted made = Created("db");
  const auto deletion = store_->Submit(Deletion(made.instance.id));
  ASSERT_TRUE(deletion);
  EXPECT_EQ(deletion->superseded, made.operation.id);
  const auto ended = store_->GetOperation(made.operation.id);
  EXPECT_EQ(ended->state, OperationState::kCancelled);
  EXPECT_EQ(ended->fence, made.operation.fence + 1);
  EXPECT_EQ(store_->Events(made.operation.id, 0, 10)->back().type, "operation.cancelled");
  Change late;
  late.operation = made.operation;
  EXPECT_REASON(store_->Commit(late), kConflict, "FenceLost");
}

TEST_F(SubmitTest, JoinsTheLiveOperation) {
  const Submitted made = Created("db");
  Submission joins = Deletion(made.instance.id);
  joins.admit = [](const InstanceRecord&, const OperationRecord*) -> Result<Admission> {
    return Admission{true, std::nullopt};
  };
  joins.idempotency = IdempotencyKey{"s", "k", "f"};
  for (int i = 0; i < 2; ++i) {
    const auto joined = store_->Submit(joins);
    ASSERT_TRUE(joined);
    EXPECT_TRUE(joined->replayed);
    EXPECT_EQ(joined->operation.id, made.operation.id);
  }
}

TEST_F(SubmitTest, AnEditIsRepeatedByItsKeyAndRefusedAsItsDeciderSays) {
  const Submitted made = Created("db");
  int asked = 0;
  const Decide decide = [&](const OperationRecord& operation, const InstanceRecord& instance,
                            const OperationRecord* live) -> Result<OperationEdit> {
    EXPECT_EQ(instance.id, made.instance.id);
    EXPECT_TRUE(live != nullptr && live->id == made.operation.id);
    ++asked;
    OperationEdit edit;
    edit.operation = operation;
    edit.operation.cancel_asked = true;
    edit.events = {{0, "", 0, "operation.cancel_asked", "{}"}};
    return edit;
  };
  const IdempotencyKey key{"POST cancel", "k", "f"};
  EXPECT_FALSE(store_->Edit(made.operation.id, decide, key, {})->replayed);
  EXPECT_TRUE(store_->Edit(made.operation.id, decide, key, {})->replayed);
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(store_->GetOperation(made.operation.id)->cancel_asked);
  const Decide refuses = [](const OperationRecord&, const InstanceRecord&,
                            const OperationRecord*) -> Result<OperationEdit> {
    return Error{Code::kPrecondition, "OperationNotCancellable", "no"};
  };
  EXPECT_REASON(store_->Edit(made.operation.id, refuses, {}, {}), kPrecondition,
                "OperationNotCancellable");
  EXPECT_REASON(store_->Edit("op_none", decide, {}, {}), kNotFound, "OperationNotFound");
}

TEST_F(SubmitTest, RepeatedKeyGivesTheCurrentOperation) {
  Submission submission = Creation("db");
  submission.idempotency = IdempotencyKey{"alice POST /databases", "k1", "f1"};
  const auto first = store_->Submit(submission);
  ASSERT_TRUE(first);
  Finish(first->operation, OperationState::kSucceeded);

  Submission again = Creation("db");
  again.idempotency = submission.idempotency;
  const auto second = store_->Submit(again);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(second->operation.id, first->operation.id);
  EXPECT_EQ(second->operation.state, OperationState::kSucceeded);
  EXPECT_EQ(second->instance.id, first->instance.id);

  again.idempotency->fingerprint = "f2";
  EXPECT_REASON(store_->Submit(again), kInvalid, "IdempotencyKeyReused");
}

TEST_F(SubmitTest, ForgetsAKeyAfterADay) {
  Submission submission = Creation("db");
  submission.idempotency = IdempotencyKey{"s", "k", "f"};
  ASSERT_TRUE(store_->Submit(submission));
  clock_.Advance(24LL * 3600 * 1000 - 1);
  EXPECT_TRUE(store_->Submit(submission)->replayed);
  clock_.Advance(1);
  EXPECT_REASON(store_->Submit(submission), kAlreadyExists, "NameTaken");
}

TEST_F(SubmitTest, ARefusedSubmissionLeavesNoKeyBehind) {
  Created("db");
  Submission taken = Creation("db");
  taken.idempotency = IdempotencyKey{"s", "k", "f"};
  ASSERT_FALSE(store_->Submit(taken));
  Submission other = Creation("db2");
  other.idempotency = IdempotencyKey{"s", "k", "g"};
  EXPECT_TRUE(store_->Submit(other));
}

}  // namespace
}  // namespace slipway::store
