#include <functional>
#include <set>
#include <utility>

#include "store/store_fixture.h"

namespace slipway::store {
namespace {

TEST_F(StoreTest, CommitWritesEverythingInOneStep) {
  const Submitted made = Created("db");
  Change change;
  change.operation = made.operation;
  change.operation.state = OperationState::kWaiting;
  change.operation.plan = R"({"quota":{}})";
  change.operation.stage = 1;
  change.operation.error = Json::Obj({{"reason", "X"}});
  StageRecord& stage = change.operation.stages[1];
  stage.state = StageState::kRunning;
  stage.attempts = 3;
  stage.waiting_for = WaitingFor{"Cluster", "ns", "db", "NotReady", 7};
  StageRecord extra;
  extra.name = "CLEAN";
  extra.rollback = true;
  change.operation.stages.push_back(extra);
  change.events = {{0, made.operation.id, 5, "stage.waiting", R"({"a":1})"}};
  change.instance = InstanceChange{"ACTIVE", "Ready", "ok", R"({"endpoints":[]})", R"({"v":2})"};
  change.put_objects = {{"v1", "Secret", "ns", "b", "", "", 2},
                        {"v1", "Secret", "ns", "a", "", "", 1}};
  change.data_key = DataKeyRecord{"m1", std::string("\0\xff"
                                                    "key",
                                                    5)};
  change.credentials = {{"password", std::string("\xfe\0sealed", 8)}};
  ASSERT_TRUE(store_->Commit(change));

  Reopen();
  const auto operation = store_->GetOperation(made.operation.id);
  EXPECT_EQ(operation->state, OperationState::kWaiting);
  EXPECT_EQ(operation->plan, change.operation.plan);
  EXPECT_EQ(operation->stage, 1u);
  EXPECT_EQ(operation->error, change.operation.error);
  ASSERT_EQ(operation->stages.size(), 3u);
  EXPECT_EQ(operation->stages[1].state, StageState::kRunning);
  EXPECT_EQ(operation->stages[1].attempts, 3);
  ASSERT_TRUE(operation->stages[1].waiting_for);
  EXPECT_TRUE(operation->stages[1].waiting_for->SameAs(*change.operation.stages[1].waiting_for));
  EXPECT_EQ(operation->stages[1].waiting_for->since_ms, 7);
  EXPECT_FALSE(operation->stages[0].waiting_for);
  EXPECT_TRUE(operation->stages[2].rollback);
  const auto instance = store_->GetInstance(made.instance.id);
  EXPECT_EQ(instance->state, "ACTIVE");
  EXPECT_EQ(instance->outputs, R"({"endpoints":[]})");
  EXPECT_EQ(instance->spec, R"({"v":2})");
  EXPECT_EQ(instance->generation, 2) << "of what the pipeline writes a new spec alone counts";
  EXPECT_EQ(store_->Events(made.operation.id, 0, 10)->back().type, "stage.waiting");
  const auto inventory = store_->Inventory(made.instance.id);
  ASSERT_EQ(inventory->size(), 2u);
  EXPECT_EQ(inventory->at(0).name, "a") << "in the order of the first apply";
  EXPECT_EQ(store_->Credentials(made.instance.id)->data_key->wrapped, change.data_key->wrapped);
  EXPECT_EQ(store_->Credentials(made.instance.id)->values.at(0).sealed,
            change.credentials[0].sealed);
}

TEST_F(StoreTest, CommitUnderAnOldFenceChangesNothing) {
  const Submitted made = Created("db");
  ASSERT_EQ(*store_->ClaimLive(), 1);
  Change change;
  change.operation = made.operation;
  change.operation.plan = "{}";
  change.operation.stages.clear();
  change.events = {{0, "", 0, "stage.started", "{}"}};
  change.instance = InstanceChange{"ACTIVE", "", "", {}, {}};
  change.put_objects = {{"v1", "Secret", "ns", "a", "", "", 1}};
  EXPECT_REASON(store_->Commit(change), kConflict, "FenceLost");
  EXPECT_EQ(store_->GetOperation(made.operation.id)->plan, "");
  EXPECT_EQ(store_->GetOperation(made.operation.id)->stages.size(), 2u);
  EXPECT_EQ(store_->GetInstance(made.instance.id)->state, "PROVISIONING");
  EXPECT_TRUE(store_->Inventory(made.instance.id)->empty());
  EXPECT_EQ(store_->Events(made.operation.id, 0, 10)->size(), 1u);
}

// The first write's outcome was unknown to its tick; the next tick read what was there before it.
TEST_F(StoreTest, AWriteThatGoesThroughLateStopsTheTickThatDidNotSeeIt) {
  const Submitted made = Created("db");
  Change late, next;
  late.operation = next.operation = made.operation;
  late.operation.state = OperationState::kSucceeded;
  late.events = {{0, "", 0, "stage.succeeded", "{}"}};
  next.events = {{0, "", 0, "stage.skipped", "{}"}};
  ASSERT_TRUE(store_->Commit(late));
  EXPECT_REASON(store_->Commit(next), kConflict, "FenceLost");
  EXPECT_EQ(store_->GetOperation(made.operation.id)->state, OperationState::kSucceeded);
  EXPECT_EQ(store_->Events(made.operation.id, 0, 10)->back().type, "stage.succeeded");
}

TEST_F(StoreTest, CommitDropsTheRowsThatAreGone) {
  const Submitted made = Created("db");
  Change change;
  change.operation = made.operation;
  change.put_objects = {{"v1", "Secret", "ns", "a", "", "", 1},
                        {"v1", "Secret", "ns", "b", "", "", 2}};
  change.data_key = DataKeyRecord{"m1", "w"};
  change.credentials = {{"password", "s"}};
  change.generated = {{"app", {"m1", "w"}, "first"}};
  ASSERT_TRUE(store_->Commit(change));
  ++change.operation.revision;
  change.generated = {{"app", {"m1", "w"}, "second"}, {"metrics", {"m1", "w"}, "s"}};
  ASSERT_TRUE(store_->Commit(change));
  const auto generated = store_->Generated(made.instance.id);
  ASSERT_EQ(generated->size(), 2u);
  EXPECT_EQ(generated->at(0).sealed, "first") << "a secret that is out there does not change";
  Change second;
  second.operation = made.operation;
  second.operation.revision = 2;
  second.operation.stages.pop_back();
  second.put_objects = {{"v1", "Secret", "ns", "b", "uid-b", "sha", 9}};
  second.erase_objects = {{"v1", "Secret", "ns", "a", "", "", 0}};
  second.erase_credentials = true;
  ASSERT_TRUE(store_->Commit(second));
  const auto inventory = store_->Inventory(made.instance.id);
  ASSERT_EQ(inventory->size(), 1u);
  EXPECT_EQ(inventory->at(0).uid, "uid-b");
  EXPECT_EQ(inventory->at(0).order, 2);
  EXPECT_TRUE(store_->Credentials(made.instance.id)->values.empty());
  EXPECT_FALSE(store_->Credentials(made.instance.id)->data_key);
  EXPECT_TRUE(store_->Generated(made.instance.id)->empty());
  EXPECT_EQ(store_->GetOperation(made.operation.id)->stages.size(), 1u);
}

TEST_F(StoreTest, PipelineAndUserDoNotOverwriteEachOther) {
  const Submitted made = Created("db");
  const auto patched = store_->PatchInstance(made.instance.id, 1, true, R"({"team":"a"})");
  ASSERT_TRUE(patched);
  EXPECT_EQ(patched->generation, 2);
  Finish(made.operation, OperationState::kSucceeded);
  ASSERT_TRUE(store_->Observe(made.instance.id, {{"DEGRADED", "Down", "m", {}, {}}, {}, {}}));
  const auto instance = store_->GetInstance(made.instance.id);
  EXPECT_EQ(instance->state, "DEGRADED");
  EXPECT_EQ(instance->labels, R"({"team":"a"})");
  EXPECT_TRUE(instance->deletion_protection);
  EXPECT_EQ(instance->generation, 2);
  EXPECT_EQ(instance->observed_ms, clock_.NowMs());
  EXPECT_REASON(store_->PatchInstance(made.instance.id, 1, false, {}), kPrecondition,
                "EtagMismatch");
  EXPECT_TRUE(store_->PatchInstance(made.instance.id, 0, false, {}));
}

TEST_F(StoreTest, NothingRevivesADeletedInstance) {
  const Submitted made = Created("db");
  Finish(made.operation, OperationState::kSucceeded, true);
  EXPECT_REASON(store_->Observe(made.instance.id, {{"ACTIVE", "", "", {}, {}}, {}, {}}), kNotFound,
                "InstanceNotFound");
  EXPECT_REASON(store_->PatchInstance(made.instance.id, 0, true, {}), kNotFound,
                "InstanceNotFound");
  EXPECT_EQ(store_->GetInstance(made.instance.id)->state, "DELETED");
}

TEST_F(StoreTest, AQuestionToCancelSurvivesAnOlderCopy) {
  const Submitted made = Created("db");
  const auto ask = [](const OperationRecord& operation, const InstanceRecord&,
                      const OperationRecord*) -> Result<OperationEdit> {
    OperationEdit edit;
    edit.operation = operation;
    edit.operation.cancel_asked = true;
    return edit;
  };
  ASSERT_TRUE(store_->Edit(made.operation.id, ask, {}, {}));
  Change change;
  change.operation = made.operation;  // read before the question
  ASSERT_TRUE(store_->Commit(change));
  EXPECT_TRUE(store_->GetOperation(made.operation.id)->cancel_asked);
}

TEST_F(StoreTest, ObservationGivesWayToAnOperation) {
  const Submitted made = Created("db");
  EXPECT_REASON(store_->Observe(made.instance.id, {{"DEGRADED", "Down", "m", {}, {}}, {}, {}}),
                kConflict, "OperationInProgress");
  EXPECT_EQ(store_->GetInstance(made.instance.id)->state, "PROVISIONING");
}

TEST_F(StoreTest, ObservedCredentialsReplaceTheStoredOnesWhole) {
  const Submitted made = Created("db");
  Change change;
  change.operation = made.operation;
  change.data_key = DataKeyRecord{"m1", "w1"};
  change.credentials = {{"password", "old"}, {"uri", "gone"}};
  ASSERT_TRUE(store_->Commit(change));
  Finish(made.operation, OperationState::kSucceeded);
  ASSERT_TRUE(
      store_->Observe(made.instance.id, {{}, DataKeyRecord{"m1", "w2"}, {{"password", "new"}}}));
  const auto sealed = store_->Credentials(made.instance.id);
  ASSERT_EQ(sealed->values.size(), 1u);
  EXPECT_EQ(sealed->values[0].sealed, "new");
  EXPECT_EQ(sealed->data_key->wrapped, "w2");
}

TEST_F(StoreTest, AnObjectIsItselfInEveryVersionOfItsGroupAndInNoOtherGroup) {
  const Submitted made = Created("db");
  Change change;
  change.operation = made.operation;
  change.put_objects = {{"a.example/v1beta1", "Cluster", "ns", "x", "", "", 1},
                        {"b.example/v1", "Cluster", "ns", "x", "", "", 2}};
  ASSERT_TRUE(store_->Commit(change));
  ++change.operation.revision;
  change.put_objects = {{"a.example/v1", "Cluster", "ns", "x", "uid", "sha", 3}};
  ASSERT_TRUE(store_->Commit(change));
  auto inventory = store_->Inventory(made.instance.id);
  ASSERT_EQ(inventory->size(), 2u);
  EXPECT_EQ(inventory->at(0).api_version, "a.example/v1");
  EXPECT_EQ(inventory->at(0).order, 1);
  ++change.operation.revision;
  change.put_objects.clear();
  change.erase_objects = {{"a.example/v1beta1", "Cluster", "ns", "x", "", "", 0}};
  ASSERT_TRUE(store_->Commit(change));
  inventory = store_->Inventory(made.instance.id);
  ASSERT_EQ(inventory->size(), 1u) << "the other group's object is not ours to forget";
  EXPECT_EQ(inventory->at(0).api_version, "b.example/v1");
}

TEST_F(StoreTest, ClaimTakesOnlyLiveOperations) {
  const Submitted done = Created("a");
  Finish(done.operation, OperationState::kSucceeded);
  const Submitted live = Created("b");
  Reopen();
  EXPECT_EQ(*store_->ClaimLive(), 1);
  EXPECT_EQ(store_->GetOperation(live.operation.id)->fence, live.operation.fence + 1);
  const auto keys = store_->InstanceKeys(true);
  ASSERT_EQ(keys->size(), 1u);
  EXPECT_EQ(keys->at(0).id, live.instance.id);
  EXPECT_EQ(keys->at(0).organization, "acme");
  EXPECT_EQ(store_->InstanceKeys(false)->at(0).id, done.instance.id);
}

TEST_F(StoreTest, PagesStayPutUnderInsertAndDelete) {
  std::vector<Submitted> made;
  for (int i = 0; i < 7; ++i) {
    made.push_back(Created("db" + std::to_string(i)));
    if (i % 2 == 1) clock_.Advance(1);  // pairs share their time
  }
  InstanceFilter filter;
  filter.limit = 2;
  std::vector<std::string> seen;
  for (;;) {
    const auto page = store_->ListInstances(filter);
    ASSERT_TRUE(page) << page.error().message;
    if (page->empty()) break;
    for (const InstanceRecord& instance : *page) seen.push_back(instance.id);
    filter.before_created_ms = page->back().created_ms;
    filter.before_id = page->back().id;
    if (seen.size() != 2) continue;
    clock_.Advance(10);
    Created("new");
    Finish(made[6].operation, OperationState::kSucceeded, true);  // was on the first page
  }
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 7u);
}

TEST_F(StoreTest, FiltersCombine) {
  const Submitted a = Created("a");
  const Submitted b = Created("b");
  Finish(b.operation, OperationState::kSucceeded, true);
  const auto count = [&](const std::function<void(InstanceFilter&)>& set) {
    InstanceFilter filter;
    set(filter);
    const auto found = store_->ListInstances(filter);
    return found ? found->size() : 99;
  };
  EXPECT_EQ(count([](auto&) {}), 1u);
  EXPECT_EQ(count([](auto& f) { f.include_deleted = true; }), 2u);
  EXPECT_EQ(count([](auto& f) { f.organizations = {"x", "acme"}; }), 1u);
  EXPECT_EQ(count([](auto& f) { f.organizations = {"x\",\"acme"}; }), 0u);
  EXPECT_EQ(count([](auto& f) { f.project = "shop", f.name = "a"; }), 1u);
  EXPECT_EQ(count([](auto& f) { f.name = "b"; }), 0u);
  EXPECT_EQ(count([](auto& f) { f.state = "DELETED", f.include_deleted = true; }), 1u);
  OperationFilter live;
  live.state = "PENDING";
  EXPECT_EQ(store_->ListOperations(live)->size(), 1u);
  live.organizations = {"other"};
  EXPECT_TRUE(store_->ListOperations(live)->empty());
  OperationFilter of_b;
  of_b.instance_id = b.instance.id;
  EXPECT_EQ(store_->ListOperations(of_b)->at(0).stages.size(), 2u);
}

TEST_F(StoreTest, EventsPageBySequence) {
  const Submitted made = Created("db");
  Change change;
  change.operation = made.operation;
  for (int i = 0; i < 5; ++i) change.events.push_back({0, made.operation.id, 1, "t", "{}"});
  ASSERT_TRUE(store_->Commit(change));
  int64_t after = 0;
  size_t seen = 0;
  for (;;) {
    const auto page = store_->Events(made.operation.id, after, 4);
    if (page->empty()) break;
    for (const EventRecord& event : *page) EXPECT_GT(event.seq, std::exchange(after, event.seq));
    seen += page->size();
  }
  EXPECT_EQ(seen, 6u);
}

TEST(Records, StatesHaveTheirWords) {
  OperationState state = OperationState::kPending;
  EXPECT_TRUE(ParseState("ROLLING_BACK", state));
  EXPECT_EQ(state, OperationState::kRollingBack);
  EXPECT_STREQ(Name(StageState::kCompensated), "COMPENSATED");
  EXPECT_FALSE(ParseState("rolling", state));
  EXPECT_FALSE(IsTerminal(OperationState::kBlocked));
  EXPECT_TRUE(IsTerminal(OperationState::kFailed));
}

}  // namespace
}  // namespace slipway::store
