// Updates: what is planned, what becomes of the spec and the quota, and the way back.
#include "pipeline/update.h"

#include <filesystem>
#include <stdlib.h>

#include <gtest/gtest.h>

#include "pipeline/test_support.h"

namespace slipway::pipeline::testing {
namespace {

using store::OperationState;

constexpr char kSmall[] = R"({"tier":"FREE","instances":1,"storage":"1Gi"})";
constexpr char kLarge[] = R"({"tier":"STANDARD","instances":3,"storage":"5Gi"})";

class UpdateTest : public ::testing::Test {
 protected:
  UpdateTest() {
    std::string pattern = ::testing::TempDir() + "slipway-update-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    world_ = std::make_unique<World>(root_ + "/store");
    world_->options.stage_timeout_ms[""] = kLimitMs;
    world_->engines.engine->plan = [](const Json& input) -> Result<Json> {
      Json out = *Json::Parse(
          R"({"schema":1,"stages":[{"name":"CRD_DEPLOYMENT"},{"name":"WAITING_FOR_READY"}],
              "changes":[{"path":"/storage","how":"IN_PLACE","revertible":false}],"carry":{}})");
      const int64_t pods = input["spec"]["instances"].AsInt(1);
      return out.Set("quota", Json::Obj({{"pods", std::to_string(pods)},
                                         {"requests.memory", std::to_string(9 - pods) + "Gi"}}));
    };
    const auto made =
        world_->Create("shop", "db", "ROLLBACK", [](auto& operation) { operation.spec = kSmall; });
    id_ = made.instance.id;
    LookUntil("WAITING_FOR_READY");
    world_->Look(id_);
    world_->MakeReady("acme-shop", "db");
    EXPECT_EQ(world_->Finish(id_).state, OperationState::kSucceeded);
  }

  ~UpdateTest() override {
    world_.reset();
    std::filesystem::remove_all(root_);
  }

  void Update(const std::string& spec = kLarge) {
    const auto made = world_->Submit(id_, "update", [&](store::OperationRecord& operation) {
      operation.spec = spec;
      operation.previous_spec = kSmall;
    });
    ASSERT_TRUE(made) << made.error().message;
  }

  void LookUntil(const std::string& stage) {
    for (int look = 0; look < 20; ++look) {
      const auto operation = world_->Last(id_);
      if (operation.stages[operation.stage].name == stage) return;
      world_->Look(id_);
    }
    FAIL() << "it never came to " << stage;
  }

  std::string Hard(const char* name) {
    const Json* quota = world_->cluster.Find("ResourceQuota", "acme-shop", "slipway");
    return quota == nullptr ? "" : quota->At("/spec/hard")[name].AsString();
  }

  static constexpr int64_t kLimitMs = 12'000;
  std::string root_, id_;
  std::unique_ptr<World> world_;
};

TEST_F(UpdateTest, TheQuotaHasRoomForBothAndThenForTheGoal) {
  EXPECT_EQ(Hard("pods"), "1");
  Update();
  LookUntil("WAITING_FOR_READY");
  EXPECT_EQ(world_->Instance(id_).state, "UPDATING");
  EXPECT_EQ(Hard("pods"), "3");
  EXPECT_EQ(Hard("requests.memory"), "8Gi") << "it shrinks when it is over";
  world_->MakeReady("acme-shop", "db");
  EXPECT_EQ(world_->Finish(id_).state, OperationState::kSucceeded);
  EXPECT_EQ(Hard("pods"), "3");
  EXPECT_EQ(Hard("requests.memory"), "6Gi");
  const auto instance = world_->Instance(id_);
  EXPECT_EQ(instance.state, "ACTIVE");
  EXPECT_EQ(instance.spec, kLarge);
  EXPECT_EQ(instance.tier, "STANDARD");
}

TEST_F(UpdateTest, OneThatFailsGoesBackAndDeletesNothing) {
  Update();
  LookUntil("WAITING_FOR_READY");
  world_->MakeReady("acme-shop", "db", false);
  const auto before = world_->cluster.objects.size();
  world_->clock.Advance(1);
  world_->Look(id_);
  for (int look = 0; look < 60 && world_->Last(id_).rollback_reason.empty(); ++look) {
    world_->clock.Advance(1000);
    world_->Look(id_);
  }
  EXPECT_EQ(world_->Last(id_).rollback_reason, "Failed");
  EXPECT_EQ(world_->engines.engine->asked.back()["spec"]["instances"].AsInt(), 1);
  world_->MakeReady("acme-shop", "db");
  const auto over = world_->Finish(id_);
  EXPECT_EQ(over.state, OperationState::kFailed);
  EXPECT_EQ(over.rollback_outcome, "COMPLETE");
  EXPECT_EQ(KeptByRevert(over), std::vector<std::string>{"/storage"});
  EXPECT_EQ(Hard("pods"), "1");
  const auto instance = world_->Instance(id_);
  EXPECT_EQ(instance.state, "ACTIVE");
  EXPECT_EQ(*Json::Parse(instance.spec),
            *Json::Parse(R"({"tier":"FREE","instances":1,"storage":"5Gi"})"))
      << "a volume that has grown stays so";
  EXPECT_EQ(world_->cluster.objects.size(), before);
}

TEST_F(UpdateTest, OneThatIsCancelledBeforeTheEngineBeganKeepsNothing) {
  Update();
  LookUntil("QUOTA");
  world_->cluster.fault = [](const char*, const std::string& kind, bool) -> std::optional<Error> {
    if (kind != "ResourceQuota") return std::nullopt;
    return Error{Code::kUnavailable, "Away", "not now"};
  };
  world_->Look(id_);
  ASSERT_TRUE(world_->store->Edit(
      world_->Last(id_).id,
      [&](const store::OperationRecord& operation, const store::InstanceRecord&,
          const store::OperationRecord*) { return Cancel(operation, world_->clock.NowMs()); },
      {}, {}));
  world_->cluster.fault = nullptr;
  const auto over = world_->Finish(id_);
  EXPECT_EQ(over.state, OperationState::kCancelled);
  EXPECT_TRUE(KeptByRevert(over).empty());
  EXPECT_EQ(world_->Instance(id_).state, "ACTIVE");
  EXPECT_EQ(*Json::Parse(world_->Instance(id_).spec), *Json::Parse(kSmall));
}

TEST_F(UpdateTest, ThereAndBackItTakesFieldsThatAnOperatorWroteDown) {
  world_->cluster.contested = true;
  Update();
  LookUntil("WAITING_FOR_READY");
  ASSERT_TRUE(world_->store->Edit(
      world_->Last(id_).id,
      [&](const store::OperationRecord& operation, const store::InstanceRecord&,
          const store::OperationRecord*) { return Cancel(operation, world_->clock.NowMs()); },
      {}, {}));
  const auto over = world_->Finish(id_);
  EXPECT_EQ(over.state, OperationState::kCancelled);
  EXPECT_EQ(over.rollback_outcome, "COMPLETE");
}

TEST_F(UpdateTest, ARepairAfterItAppliesTheNewSpec) {
  Update();
  LookUntil("WAITING_FOR_READY");
  world_->MakeReady("acme-shop", "db");
  ASSERT_EQ(world_->Finish(id_).state, OperationState::kSucceeded);
  ASSERT_TRUE(world_->Submit(id_, "repair", [&](store::OperationRecord& operation) {
    operation.spec = world_->Instance(id_).spec;
  }));
  EXPECT_EQ(world_->Finish(id_).state, OperationState::kSucceeded);
  EXPECT_EQ(Hard("pods"), "3");
  EXPECT_EQ(world_->engines.engine->asked.back()["spec"]["instances"].AsInt(), 3);
}

// What FREE becomes by a change.
class ResolveTest : public UpdateTest {
 protected:
  ResolveTest() {
    world_->options.tiers = {{"FREE", 1, "1Gi", "1Gi", "1", false},
                             {"STANDARD", 3, "5Gi", "4Gi", "2", true}};
    instance_.engine = "fake";
    instance_.spec = R"({"tier":"FREE","instances":1,"storage":"9Gi","memory":"1Gi","cpu":"1",
        "pod_monitor":false,"parameters":{"a":"1","b":"2"}})";
  }

  CreateContext Context() const {
    return {world_->options, world_->engines, *world_->store, world_->clock};
  }

  Result<Json> Resolve(const char* changes) {
    findings_ = {};
    return ResolveUpdate(instance_, *Json::Parse(changes), Context(), findings_);
  }

  store::InstanceRecord instance_;
  Findings findings_;
};

TEST_F(ResolveTest, ATierBringsItsSizesAlongButForASmallerStorage) {
  const auto spec = Resolve(R"({"tier":"STANDARD","cpu":"3","parameters":{"a":null,"c":"3"}})");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(*spec, *Json::Parse(R"({"tier":"STANDARD","instances":3,"storage":"9Gi","memory":"4Gi",
      "cpu":"3","pod_monitor":true,"parameters":{"b":"2","c":"3"}})"));
  ASSERT_EQ(findings_.warnings.size(), 1u);
  EXPECT_EQ(findings_.warnings[0].field, "/tier");
  EXPECT_EQ((*Resolve(R"({"tier":"STANDARD","storage":"12Gi"})"))["storage"].AsString(), "12Gi");
}

TEST_F(ResolveTest, WhatCannotBeIsRefusedAtItsPlace) {
  for (const auto& [changes, field, reason] :
       {std::tuple(R"({"storage":"8Gi"})", "/storage", "StorageShrinks"),
        std::tuple(R"({"tier":"HUGE"})", "/tier", "UnknownTier")}) {
    const auto refused = Resolve(changes);
    ASSERT_FALSE(refused) << changes;
    EXPECT_EQ(refused.error().reason, "ValidationFailed");
    ASSERT_EQ(findings_.problems.size(), 1u);
    EXPECT_EQ(findings_.problems[0].field, field);
    EXPECT_EQ(findings_.problems[0].reason, reason);
  }
  world_->engines.gone = Error{Code::kUnavailable, "EngineUnavailable", "gone"};
  EXPECT_EQ(Resolve(R"({"cpu":"2"})").error().reason, "EngineUnavailable");
}

TEST_F(ResolveTest, ThePlanIsTheDifferenceWithTheEnginesWord) {
  const auto spec = Resolve(R"({"instances":2,"storage":"12Gi","parameters":{"a":"7"}})");
  ASSERT_TRUE(spec);
  const auto plan = PlanUpdate(instance_, *spec, Context());
  ASSERT_TRUE(plan) << plan.error().message;
  std::vector<std::string> told;
  for (const auto& change : plan->changes)
    told.push_back(change.path + " " + change.how + (change.revertible ? "" : " kept"));
  EXPECT_EQ(told,
            (std::vector<std::string>{"/instances ROLLING_RESTART", "/parameters/a ROLLING_RESTART",
                                      "/storage IN_PLACE kept"}));
  EXPECT_TRUE(plan->Restarts()) << "of what the engine says nothing the worst is told";
  EXPECT_EQ(plan->quota_after["pods"].AsString(), "2");
  EXPECT_EQ(plan->hash, PlanUpdate(instance_, *spec, Context())->hash);
  EXPECT_NE(plan->hash, PlanUpdate(instance_, *Resolve(R"({"instances":3})"), Context())->hash);
  EXPECT_FALSE(PlanUpdate(instance_, *Resolve("{}"), Context())->Restarts());
}

TEST_F(ResolveTest, OfSeveralWordsOnOneChangeTheWorstIsTold) {
  world_->engines.engine->plan = [](const Json&) -> Result<Json> {
    return *Json::Parse(R"({"schema":1,"stages":[],"quota":{},"changes":[
        {"path":"/instances","how":"IN_PLACE","loses":"a member","revertible":false},
        {"path":"/instances","how":"ROLLING_RESTART"},{"path":"/instances","how":"RELOAD"}]})");
  };
  const auto plan = PlanUpdate(instance_, *Resolve(R"({"instances":2})"), Context());
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->changes.size(), 1u);
  EXPECT_EQ(plan->changes[0].how, "ROLLING_RESTART");
  EXPECT_EQ(plan->changes[0].loses, "a member");
  EXPECT_FALSE(plan->changes[0].revertible);
}

TEST(UpdateQuota, IsTheLargerOfTwoThenOneOfThem) {
  const Json plan = *Json::Parse(R"({"quota":{"pods":"2","requests.cpu":"500m"}})");
  const Json before = *Json::Parse(R"({"pods":"4","requests.cpu":"400m","x":"1"})");
  const auto both = WithBothQuotas(plan, before);
  ASSERT_TRUE(both);
  EXPECT_EQ((*both)["quota"], *Json::Parse(R"({"pods":"4","requests.cpu":"500m","x":"1"})"));
  EXPECT_EQ(WithOneQuota(*both, false)["quota"], plan["quota"]);
  EXPECT_EQ(WithOneQuota(*both, true)["quota"], before);
}

}  // namespace
}  // namespace slipway::pipeline::testing
