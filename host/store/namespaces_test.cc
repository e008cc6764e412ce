#include "store/store_fixture.h"

namespace slipway::store {
namespace {

class NamespacesTest : public StoreTest {
 protected:
  InstanceRecord Of(const Submitted& made) { return made.instance; }

  void Forget(const Submitted& made) {
    Change change;
    change.operation = *store_->GetOperation(made.operation.id);
    change.forget_namespace = made.instance.ns;
    ASSERT_TRUE(store_->Commit(change));
  }
};

TEST_F(NamespacesTest, TheLastOneToLeaveTakesItAndNoOther) {
  const Submitted a = Created("a"), b = Created("b");
  EXPECT_TRUE(*store_->EnterNamespace(Of(a)));
  EXPECT_TRUE(*store_->EnterNamespace(Of(a))) << "asking again";
  EXPECT_TRUE(*store_->EnterNamespace(Of(b)));
  EXPECT_FALSE(*store_->LeaveNamespace(Of(a))) << "b lives there";
  EXPECT_TRUE(*store_->LeaveNamespace(Of(b)));
  EXPECT_TRUE(*store_->LeaveNamespace(Of(b))) << "asking again";
  EXPECT_FALSE(*store_->LeaveNamespace(Of(a))) << "decided once";
}

TEST_F(NamespacesTest, AnInstanceThatHasNotEnteredHoldsNothingUp) {
  const Submitted last = Created("last"), next = Created("next");
  EXPECT_TRUE(*store_->EnterNamespace(Of(last)));
  EXPECT_TRUE(*store_->LeaveNamespace(Of(last))) << "next is a name only";
  EXPECT_FALSE(*store_->EnterNamespace(Of(next))) << "until it is gone";
  Forget(last);
  EXPECT_TRUE(*store_->EnterNamespace(Of(next)));
}

TEST_F(NamespacesTest, OneThatNobodyTakesAwayAnyMoreIsTakenOver) {
  const Submitted last = Created("last"), next = Created("next");
  EXPECT_TRUE(*store_->EnterNamespace(Of(last)));
  EXPECT_TRUE(*store_->LeaveNamespace(Of(last)));
  EXPECT_FALSE(*store_->EnterNamespace(Of(next)));
  Finish(last.operation, OperationState::kFailed);  // its rollback ended PARTIAL
  EXPECT_TRUE(*store_->EnterNamespace(Of(next)));
  EXPECT_FALSE(*store_->LeaveNamespace(Of(last)));
  Forget(last);
  EXPECT_TRUE(*store_->LeaveNamespace(Of(next))) << "the row is next's";
}

TEST_F(NamespacesTest, IsNoOtherProjectsWhileItIsUsed) {
  const Submitted made = Created("a");
  EXPECT_TRUE(*store_->EnterNamespace(Of(made)));
  InstanceRecord other = made.instance;
  other.project = "other";
  EXPECT_REASON(store_->EnterNamespace(other), kConflict, "NamespaceTaken");
}

TEST_F(NamespacesTest, AnInstanceThatIsGoneLivesNowhere) {
  const Submitted a = Created("a"), b = Created("b");
  EXPECT_TRUE(*store_->EnterNamespace(Of(a)));
  EXPECT_TRUE(*store_->EnterNamespace(Of(b)));
  Finish(a.operation, OperationState::kSucceeded, true);
  EXPECT_TRUE(*store_->LeaveNamespace(Of(b)));
}

TEST_F(NamespacesTest, PlansAreThoseOfResidents) {
  for (const char* name : {"a", "b", "c"}) {
    Submitted made = Created(name);
    if (std::string(name) != "b") {
      EXPECT_TRUE(*store_->EnterNamespace(Of(made)));
    }
    made.operation.plan = name;
    Finish(made.operation, OperationState::kSucceeded);
    clock_.Advance(1);
  }
  EXPECT_EQ(*store_->PlansInNamespace("acme-shop", {"create"}),
            (std::vector<std::string>{"a", "c"}));
  EXPECT_TRUE(store_->PlansInNamespace("acme-shop", {"delete"})->empty());
  EXPECT_TRUE(store_->PlansInNamespace("other", {"create"})->empty());
}

}  // namespace
}  // namespace slipway::store
