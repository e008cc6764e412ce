// Rules of failure, time, retry, cancel, undo and looking again, on a cluster and a clock that do
// what the test says.
#include <filesystem>
#include <stdlib.h>

#include <gtest/gtest.h>

#include "pipeline/test_support.h"

namespace slipway::pipeline::testing {
namespace {

using store::OperationState;

class TickTest : public ::testing::Test {
 protected:
  TickTest() {
    std::string pattern = ::testing::TempDir() + "slipway-tick-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    world_ = std::make_unique<World>(root_ + "/store");
    world_->options.stage_timeout_ms[""] = kLimitMs;
  }

  ~TickTest() override {
    world_.reset();
    std::filesystem::remove_all(root_);
  }

  // A create that waits for its database.
  std::string Waiting(const std::string& on_failure = "ROLLBACK") {
    const auto made = world_->Create("shop", "db", on_failure);
    while (Stage(made.instance.id) != "WAITING_FOR_READY") world_->Look(made.instance.id);
    world_->Look(made.instance.id);
    return made.instance.id;
  }

  std::string Active() {
    const std::string id = Waiting();
    world_->MakeReady("acme-shop", "db");
    EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
    return id;
  }

  std::string Stage(const std::string& id) {
    const auto operation = world_->Last(id);
    return operation.stages[operation.stage].name;
  }

  const store::StageRecord Current(const std::string& id) {
    const auto operation = world_->Last(id);
    return operation.stages[operation.stage];
  }

  static constexpr int64_t kLimitMs = 12'000;
  std::string root_;
  std::unique_ptr<World> world_;
};

TEST_F(TickTest, AHostThatWasAwayForLongerThanTheLimitLooksFirst) {
  const std::string id = Waiting();
  world_->MakeReady("acme-shop", "db");
  world_->clock.Advance(25 * kLimitMs);
  world_->Restart();
  EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
}

TEST_F(TickTest, TimeWithoutAHostDoesNotCount) {
  const std::string id = Waiting();
  for (int life = 0; life < 50; ++life) {
    world_->clock.Advance(kLimitMs / 2);
    world_->Restart();
    world_->Look(id);
  }
  EXPECT_EQ(world_->Last(id).state, OperationState::kWaiting);
}

TEST_F(TickTest, TimeWithoutAnApiServerDoesNotCountAndNothingIsDecidedInIt) {
  const std::string id = Waiting();
  world_->cluster.away = true;
  for (int i = 0; i < 100; ++i) {
    const int64_t delay = world_->Look(id);
    world_->clock.Advance(std::max<int64_t>(delay, 1000));
  }
  EXPECT_EQ(world_->Last(id).state, OperationState::kWaiting);
  EXPECT_EQ(Current(id).waiting_for->kind, "APIServer");
  world_->cluster.away = false;
  world_->MakeReady("acme-shop", "db");
  EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
}

TEST_F(TickTest, ACacheThatIsNotFilledYetIsWaitedForInEveryStage) {
  const std::string id = Waiting();
  world_->Restart();
  world_->cluster.synced = false;
  for (int i = 0; i < 100; ++i) {
    world_->Look(id);
    world_->clock.Advance(1000);
  }
  EXPECT_EQ(world_->Last(id).state, OperationState::kWaiting);
  EXPECT_EQ(Current(id).reason, "CacheNotSynced");
  world_->cluster.synced = true;
  world_->MakeReady("acme-shop", "db");
  EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
}

// Of a long limit little is written at a time.
TEST_F(TickTest, TimeThatIsNotSavedYetCountsForTheEngine) {
  world_->options.stage_timeout_ms[""] = 3'600'000;
  const std::string id = Waiting();
  for (int i = 0; i < 4; ++i) {
    world_->clock.Advance(3000);
    world_->Look(id);
  }
  const Json& asked = world_->engines.engine->asked.back();
  EXPECT_GE(asked["now_ms"].AsInt() - asked["stage_started_ms"].AsInt(), 9000);
}

// The engine sees a pod that is not there, the host why.
TEST_F(TickTest, AQuotaWithoutRoomForAPodIsNamedAndOthersAreNot) {
  const std::string id = Waiting();
  const auto quota = [&](const std::string& name, const char* status) {
    world_->cluster.objects[{"ResourceQuota", "acme-shop", name}] =
        Json::Obj({{"metadata", Json::Obj({{"name", name}})}, {"status", *Json::Parse(status)}});
  };
  quota("roomy",
        R"({"hard":{"pods":"3","requests.cpu":"1"},"used":{"pods":"2","requests.cpu":"1"}})");
  const auto wait = [&](int64_t ms) {
    for (int64_t waited = 0; waited < ms;) {
      const int64_t delay = std::max<int64_t>(world_->Look(id), 1);
      world_->clock.Advance(delay);
      waited += delay;
    }
    world_->Look(id);
  };
  // One in a form that we do not read is no reason to give up.
  quota("odd", R"({"hard":{"pods":"1e1","requests.cpu":"x"},"used":{"pods":"1e1"}})");
  world_->options.stage_timeout_ms[""] = 300'000;
  wait(12'000);
  EXPECT_FALSE(Current(id).waiting_for) << Current(id).waiting_for->name;
  quota("full", R"({"hard":{"count/pods":"2"},"used":{"count/pods":"2"}})");
  wait(31'000);
  const auto waiting = *Current(id).waiting_for;
  EXPECT_EQ(waiting.kind, "ResourceQuota");
  EXPECT_EQ(waiting.name, "full");
  EXPECT_NE(waiting.message.find("pods: 2 of 2 are used"), std::string::npos) << waiting.message;
  EXPECT_NE(waiting.message.find("NotReady"), std::string::npos) << "the engine's words stay";
  world_->MakeReady("acme-shop", "db");
  EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
}

TEST_F(TickTest, AClockThatJumpsUndoesNothing) {
  for (const int64_t jump : {int64_t{3'600'000}, int64_t{-3'600'000}, int64_t{86'400'000}}) {
    const std::string id = Waiting();
    world_->clock.wall += jump;
    for (int i = 0; i < 3; ++i) {
      world_->Look(id);
      world_->clock.Advance(500);
    }
    EXPECT_EQ(world_->Last(id).state, OperationState::kWaiting) << jump;
    const Json& asked = world_->engines.engine->asked.back();
    const int64_t waited = asked["now_ms"].AsInt() - asked["stage_started_ms"].AsInt();
    EXPECT_GE(waited, 0);
    EXPECT_LE(waited, 5000) << "the engine's own patience is observed time, too";
    ASSERT_TRUE(world_->Submit(id, "delete"));
    EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
  }
}

TEST_F(TickTest, AStageThatIsLateFailsWithTheLastWords) {
  const auto made = world_->Create("shop", "db");
  world_->cluster.fault = [](const char* call, const std::string& kind,
                             bool) -> std::optional<Error> {
    if (std::string(call) != "apply" || kind != "ConfigMap") return std::nullopt;
    return Error{Code::kUnavailable, "InternalError",
                 "failed calling webhook \"mcluster.example\": connection refused"}
        .Retryable();
  };
  for (int i = 0; i < 200 && world_->Last(made.instance.id).rollback_reason.empty(); ++i) {
    const int64_t delay = world_->Look(made.instance.id);
    if (Stage(made.instance.id) == "CRD_DEPLOYMENT" && Current(made.instance.id).waiting_for) {
      EXPECT_NE(Current(made.instance.id).waiting_for->message.find("mcluster.example"),
                std::string::npos);
    }
    world_->clock.Advance(std::max<int64_t>(delay, 1));
  }
  const auto failed = world_->Last(made.instance.id);
  EXPECT_EQ(failed.rollback_reason, "Failed");
  EXPECT_EQ(failed.error["reason"].AsString(), "StageDeadlineExceeded");
  EXPECT_NE(failed.error["message"].AsString().find("mcluster.example"), std::string::npos)
      << failed.error.Dump();
  world_->cluster.fault = nullptr;
  EXPECT_EQ(world_->Finish(made.instance.id).state, OperationState::kFailed);
}

TEST_F(TickTest, ObservedTimeSurvivesARestartAlmostWhole) {
  const std::string id = Waiting();
  for (int i = 0; i < 300 && world_->Last(id).rollback_reason.empty(); ++i) {
    world_->Look(id);
    world_->clock.Advance(500);
    if (i % 10 == 9) world_->Restart();
  }
  EXPECT_EQ(world_->Last(id).rollback_reason, "Failed")
      << "a host that is restarted again and again has limits, too";
}

TEST_F(TickTest, ADeletionNeedsNoEngine) {
  for (const char* reason : {"EngineQuarantined", "EngineVersionMissing", "EngineCrashed"}) {
    const std::string id = Active();
    world_->engines.gone = Error{Code::kUnavailable, reason, "it cannot be asked"};
    ASSERT_TRUE(world_->Submit(id, "delete"));
    EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded) << reason;
    EXPECT_TRUE(world_->cluster.objects.empty()) << reason;
    world_->engines.gone.reset();
  }
}

TEST_F(TickTest, ADeletionOfWhatIsTooLargeToTellNeedsNoEngine) {
  const std::string id = Active();
  world_->engines.engine->step = [](const Json&) -> Result<Json> {
    return Error{Code::kExhausted, "InputTooLarge", "the input has 5 MiB"};
  };
  ASSERT_TRUE(world_->Submit(id, "delete"));
  const auto done = world_->Finish(id);
  EXPECT_EQ(done.state, OperationState::kSucceeded) << done.error.Dump();
  EXPECT_TRUE(world_->cluster.objects.empty());
}

TEST_F(TickTest, AnEngineThatAppliesWithoutEndIsStoppedAndUndone) {
  const auto made = world_->Create("shop", "db");
  world_->engines.engine->step = [this](const Json& input) -> Result<Json> {
    world_->engines.engine->step = nullptr;
    if (input["stage"].AsString() != "CRD_DEPLOYMENT") return world_->engines.engine->Step(input);
    Json apply = Json::MakeArray();
    for (int i = 0; i < 1500; ++i)
      apply.Push(Json::Obj({{"apiVersion", "v1"},
                            {"kind", "ConfigMap"},
                            {"metadata", Json::Obj({{"name", "x" + std::to_string(i)}})}}));
    return Json::Obj({{"schema", 1},
                      {"apply", apply},
                      {"verdict", Json::Obj({{"state", "progressing"}, {"reason", "More"}})}});
  };
  // Planning and the namespace ask nothing of the engine's apply.
  for (int i = 0; i < 3 && Stage(made.instance.id) != "CRD_DEPLOYMENT"; ++i)
    world_->Look(made.instance.id);
  const auto done = world_->Finish(made.instance.id);
  EXPECT_TRUE(store::IsTerminal(done.state));
}

TEST_F(TickTest, AnEngineThatCrashedBlocksAndAnHeirGoesOn) {
  const std::string id = Waiting();
  world_->engines.gone = Error{Code::kUnavailable, "EngineCrashed", "it ended the host twice"};
  world_->Look(id);
  EXPECT_EQ(world_->Last(id).state, OperationState::kBlocked);
  EXPECT_EQ(world_->Last(id).error["reason"].AsString(), "EngineCrashed");
  world_->engines.gone.reset();
  const auto blocked = world_->Last(id);
  const auto retried = world_->store->Edit(
      blocked.id,
      [&](const auto& operation, const auto& instance, const auto* live) {
        return Retry(operation, instance, live, EnginePin{"1.0.1", std::string(64, 'b')},
                     world_->clock.NowMs());
      },
      {}, {});
  ASSERT_TRUE(retried);
  world_->MakeReady("acme-shop", "db");
  EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
}

TEST_F(TickTest, ANamespaceThatSomebodyDeletedEndsTheCreateWithItsName) {
  const auto made = world_->Create("shop", "db");
  while (Stage(made.instance.id) != "CRD_DEPLOYMENT") {
    world_->cluster.fault = [&](const char* call, const std::string& kind,
                                bool) -> std::optional<Error> {
      if (std::string(call) == "apply" && kind == "ConfigMap")
        return Error{Code::kUnavailable, "Later", "later"}.Retryable();
      return std::nullopt;
    };
    world_->Look(made.instance.id);
  }
  world_->cluster.fault = nullptr;
  world_->cluster.objects[{"Namespace", "", "acme-shop"}]["metadata"].Set("deletionTimestamp", "x");
  world_->Look(made.instance.id);
  EXPECT_EQ(Current(made.instance.id).waiting_for->kind, "Namespace");
  EXPECT_EQ(Current(made.instance.id).waiting_for->reason, "Terminating");
  const auto done = world_->Finish(made.instance.id);
  EXPECT_EQ(done.state, OperationState::kFailed);
  EXPECT_EQ(done.error["reason"].AsString(), "NamespaceGone");
  EXPECT_EQ(done.rollback_outcome, "COMPLETE");
}

TEST_F(TickTest, WhatVanishedIsToldAndRepairMakesItAgain) {
  const std::string id = Active();
  world_->cluster.objects.erase({"ConfigMap", "acme-shop", "db"});
  world_->Restart();
  world_->Look(id);
  EXPECT_EQ(world_->Instance(id).state, "DEGRADED");
  EXPECT_EQ(world_->Instance(id).reason, "ObjectMissing");
  EXPECT_NE(world_->Instance(id).message.find("ConfigMap acme-shop/db"), std::string::npos);
  ASSERT_TRUE(world_->Submit(id, "repair"));
  for (int i = 0; i < 5; ++i) world_->Look(id);
  world_->MakeReady("acme-shop", "db");
  EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
  EXPECT_EQ(world_->Instance(id).state, "ACTIVE");
}

TEST_F(TickTest, RepairLeavesSomebodyElsesObjectAlone) {
  const std::string id = Active();
  Json& object = world_->cluster.objects[{"ConfigMap", "acme-shop", "db"}];
  object["metadata"].Set("labels", Json::Obj({{"owner", "them"}})).Set("uid", "theirs");
  const Json before = object;
  ASSERT_TRUE(world_->Submit(id, "repair"));
  const auto done = world_->Finish(id);
  EXPECT_EQ(done.state, OperationState::kFailed);
  EXPECT_EQ(done.error["reason"].AsString(), "ObjectNotOurs");
  EXPECT_EQ((world_->cluster.objects[{"ConfigMap", "acme-shop", "db"}]), before);
  EXPECT_EQ(world_->Instance(id).deleted_ms, 0);
}

TEST_F(TickTest, ObserveGetsTheWholeDocument) {
  const std::string id = Active();
  world_->MakeReady("acme-shop", "db", false);
  world_->Look(id);
  world_->clock.Advance(7000);
  world_->Look(id);
  const Json& asked = world_->engines.engine->asked.back();
  EXPECT_EQ(asked["stage"].AsString(), "OBSERVE");
  EXPECT_EQ(asked["carry"]["from"].AsString(), "plan");
  EXPECT_EQ(asked["inventory"].size(), 1u);
  EXPECT_EQ(asked["now_ms"].AsInt() - asked["stage_started_ms"].AsInt(), 7000)
      << "for how long it has been unhealthy";
  EXPECT_TRUE(asked["operation"]["id"].is_string());
}

TEST_F(TickTest, ACancelIsUndoneOrKeptAsTheCreateWants) {
  for (const char* on_failure : {"ROLLBACK", "RETAIN"}) {
    const std::string id = Waiting(on_failure);
    ASSERT_TRUE(world_->store->Edit(
        world_->Last(id).id,
        [](const auto& operation, const auto&, const auto*) { return Cancel(operation, 1); }, {},
        {}));
    const auto done = world_->Finish(id);
    EXPECT_EQ(done.state, OperationState::kCancelled);
    const bool kept = std::string(on_failure) == "RETAIN";
    EXPECT_EQ(done.rollback_outcome, kept ? "RETAINED" : "COMPLETE");
    EXPECT_EQ((world_->cluster.Find("ConfigMap", "acme-shop", "db") != nullptr), kept);
    if (!kept) continue;
    ASSERT_TRUE(world_->Submit(id, "delete"));
    EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
  }
}

// An engine that marks its object once for an operation.
class RestartTest : public TickTest {
 protected:
  RestartTest() {
    id_ = Active();
    world_->engines.engine->Describe("patches", Json::Arr({"v1/ConfigMap"}));
    world_->engines.engine->plan = [](const Json&) -> Result<Json> {
      return *Json::Parse(
          R"({"schema":1,"stages":[{"name":"RESTART"},{"name":"WAITING_FOR_READY"}],"quota":{}})");
    };
    world_->engines.engine->step = [this](const Json& input) -> Result<Json> {
      const std::string operation = input["operation"]["id"].AsString();
      const Json& seen = input["observed"][0];
      const bool marked = seen["metadata"]["annotations"]["restart"].AsString() == operation;
      if (input["stage"].AsString() != "RESTART" || marked)
        return *Json::Parse(R"({"schema":1,"verdict":{"state":"ready","reason":"Ready"}})");
      Json body = Json::MakeObject();
      body.SetAt("/metadata/annotations/restart", operation);
      Json patch =
          Json::Obj({{"apiVersion", "v1"}, {"kind", kind_}, {"name", "db"}, {"body", body}});
      return Json::Obj({{"schema", 1},
                        {"verdict", Json::Obj({{"state", "progressing"}, {"reason", "Asking"}})},
                        {"patch", Json::Arr({std::move(patch)})}});
    };
  }

  std::string Mark() const {
    return world_->cluster.Find("ConfigMap", "acme-shop", "db")
        ->At("/metadata/annotations/restart")
        .AsString();
  }

  std::string id_, kind_ = "ConfigMap";
};

TEST_F(RestartTest, AsksByAPatchAndLeavesTheInstanceActive) {
  ASSERT_TRUE(world_->Submit(id_, "restart"));
  world_->Look(id_);
  EXPECT_EQ(world_->Instance(id_).state, "RESTARTING");
  const auto done = world_->Finish(id_);
  EXPECT_EQ(done.state, OperationState::kSucceeded) << done.error.Dump();
  EXPECT_EQ(Mark(), done.id);
  EXPECT_EQ(world_->Instance(id_).state, "ACTIVE");
}

TEST_F(RestartTest, APatchThatWasLostOrRefusedIsMadeAgain) {
  int refusals = 0;
  world_->cluster.fault = [&](const char* call, const std::string&, bool) -> std::optional<Error> {
    if (std::string(call) != "patch" || ++refusals > 3) return std::nullopt;
    return refusals == 2 ? Error{Code::kConflict, "Conflict", "the object has been modified"}
                         : Error{Code::kUnavailable, "ConnectionLost", "no answer"};
  };
  ASSERT_TRUE(world_->Submit(id_, "restart"));
  EXPECT_EQ(world_->Finish(id_).state, OperationState::kSucceeded);
  EXPECT_GT(refusals, 3);
  EXPECT_EQ(Mark(), world_->Last(id_).id);
}

TEST_F(RestartTest, AnotherObjectThanDeclaredFailsAndNothingIsTouched) {
  kind_ = "Secret";
  ASSERT_TRUE(world_->Submit(id_, "restart"));
  const auto done = world_->Finish(id_);
  EXPECT_EQ(done.state, OperationState::kFailed);
  EXPECT_EQ(done.error["reason"].AsString(), "ForbiddenEffect");
  EXPECT_EQ(Mark(), "");
  EXPECT_NE(world_->cluster.Find("ConfigMap", "acme-shop", "db"), nullptr);
  EXPECT_EQ(world_->Instance(id_).state, "ACTIVE");
}

// The engine names a Service, but no cache shows it: the watch of Services may be behind.
class EndpointTest : public TickTest {
 protected:
  EndpointTest() {
    world_->engines.engine->plan = [](const Json&) -> Result<Json> {
      return *Json::Parse(R"({"schema":1,"stages":[{"name":"CREDENTIAL_GEN"}],"quota":{}})");
    };
    world_->engines.engine->step = [](const Json&) -> Result<Json> {
      return *Json::Parse(R"({"schema":1,"verdict":{"state":"ready","reason":"Ready"},"outputs":{
          "endpoints":[{"name":"primary","role":"READ_WRITE","service":"db-rw","port":1}]}})");
    };
    id_ = world_->Create("shop", "db").instance.id;
    while (Stage(id_) != "CREDENTIAL_GEN") world_->Look(id_);
  }

  void LookFor(int64_t ms) {
    for (const int64_t end = world_->clock.NowMs() + ms; world_->clock.NowMs() < end;) {
      world_->Look(id_);
      world_->clock.Advance(200);
    }
  }

  std::string id_;
};

TEST_F(EndpointTest, AServiceThatIsNotSeenYetIsWaitedFor) {
  LookFor(kLimitMs / 3);
  ASSERT_EQ(Current(id_).waiting_for->kind, "Service");
  EXPECT_EQ(Current(id_).waiting_for->reason, "NotObserved");
  world_->cluster.objects[{"Service", "acme-shop", "db-rw"}] = *Json::Parse(
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"db-rw","namespace":"acme-shop"}})");
  EXPECT_EQ(world_->Finish(id_).state, OperationState::kSucceeded);
}

// Setting up backups can move the primary, and METRICS_SETUP names no endpoints.
TEST_F(EndpointTest, AnAddressThatALaterStageMovedIsShownOnceTheCreateHasSucceeded) {
  world_->engines.engine->plan = [](const Json&) -> Result<Json> {
    return *Json::Parse(
        R"({"schema":1,"stages":[{"name":"CREDENTIAL_GEN"},{"name":"METRICS_SETUP"}],"quota":{}})");
  };
  world_->engines.engine->step = [](const Json& input) -> Result<Json> {
    return *Json::Parse(
        input["stage"].AsString() == "CREDENTIAL_GEN"
            ? R"({"schema":1,"verdict":{"state":"ready","reason":"Ready"},"outputs":{
                  "endpoints":[{"name":"primary","role":"READ_WRITE","service":"db-rw","port":1}]}})"
            : R"({"schema":1,"verdict":{"state":"ready","reason":"Ready"}})");
  };
  const auto lead_to = [this](int port) {
    world_->cluster.objects[{"Service", "acme-crm", "db-rw"}] =
        *Json::Parse(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"db-rw",
                         "namespace":"acme-crm"},"spec":{"type":"LoadBalancer"},"status":{
                         "loadBalancer":{"ingress":[{"ip":"10.0.0.9","ports":[{"port":)" +
                     std::to_string(port) + R"(,"protocol":"TCP"}]}]}}})");
  };
  lead_to(21070);
  const std::string id = world_->Create("crm", "db").instance.id;
  while (Stage(id) != "METRICS_SETUP") world_->Look(id);
  lead_to(21071);
  ASSERT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
  const Json outputs = *Json::Parse(world_->store->GetInstance(id)->outputs);
  EXPECT_EQ(outputs.At("/endpoints/0/external/port").AsInt(), 21071) << outputs.Dump();
}

TEST_F(EndpointTest, AServiceThatNeverComesIsTheEnginesFault) {
  LookFor(kLimitMs * 5);
  const store::OperationRecord operation = world_->Last(id_);
  EXPECT_EQ(operation.state, OperationState::kBlocked);
  EXPECT_EQ(operation.error["reason"].AsString(), "NoSuchService");
}

}  // namespace
}  // namespace slipway::pipeline::testing
