// Restore drills in process: what they leave behind, what they say of a backup, and when they are
// due.
#include "pipeline/drills.h"

#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "pipeline/drill_keeper.h"
#include "pipeline/test_support.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline::testing {
namespace {

using store::OperationState;

constexpr int64_t kDay = 86'400'000;

class DrillsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "slipway-drills-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    world_ = std::make_unique<World>(directory_);
    world_->options.backup_stores = {{"main", true, "file:///somewhere"},
                                     {"other", false, "file:///elsewhere"}};
    world_->options.tiers = {Tier{"FREE", 3, "1Gi", "1Gi", "1", false}};
    world_->engines.engine->Describe(
        "backup", *Json::Parse(R"({"types":["FULL"],"targets":["LATEST","TIME","BACKUP"]})"));
  }

  void TearDown() override {
    world_.reset();
    std::filesystem::remove_all(directory_);
  }

  // An instance that stands, with a backup that ended at each of these times.
  std::string Source(const std::string& name, const std::vector<int64_t>& ended,
                     const char* store = "main") {
    const store::Submitted made = world_->Create("shop", name);
    const std::string id = made.instance.id;
    EXPECT_EQ(Finish(id), "SUCCEEDED ");
    store::Observation seen;
    seen.instance.spec =
        Json::Obj({{"tier", "FREE"},
                   {"backup", Json::Obj({{"store", store}, {"destinationPath", "s3://b/p"}})}})
            .Dump();
    seen.instance.outputs =
        R"({"window":{"supported":true,"windows":[{"from_ms":1,"to_ms":2,"open":true}]}})";
    for (const int64_t at : ended) {
      store::BackupRecord backup;
      backup.id = "bkp_" + name + std::to_string(at);
      backup.instance_id = id;
      backup.organization = "acme";
      backup.name = name + std::to_string(at);
      backup.type = "FULL";
      backup.trigger = "SCHEDULE";
      backup.state = "COMPLETED";
      backup.created_ms = backup.started_ms = backup.finished_ms = at;
      seen.backups.backups.push_back(backup);
    }
    EXPECT_TRUE(world_->store->Observe(id, seen));
    return id;
  }

  // The drill as the service would submit it; id of the throw-away instance.
  Result<std::string> Start(const std::string& source, const Json& wanted = Json::MakeObject(),
                            size_t most_live = 0) {
    Findings findings;
    CreateRequest request = DrillOf(world_->Instance(source), wanted);
    request.tier = "FREE";
    const CreateContext context{world_->options, world_->engines, *world_->store, world_->clock};
    const auto resolved = ResolveCreate(request, "ins_new", context, findings);
    if (!resolved) return findings.problems.front();
    resolved_ = *resolved;
    store::Submission submission;
    store::InstanceRecord instance;
    instance.id = "ins_" + request.project;
    instance.organization = "acme";
    instance.project = request.project;
    instance.name = resolved->name;
    instance.ns = resolved->ns;
    instance.engine = "fake";
    instance.database_type = "FAKE";
    submission.instance = instance;
    submission.most_live = most_live;
    submission.operation.id = "op_" + request.project;
    submission.operation.instance_id = instance.id;
    submission.operation.organization = "acme";
    submission.operation.verb = "drill";
    submission.operation.engine = "fake";
    submission.operation.source = source;
    submission.operation.spec = resolved->spec.Dump();
    submission.operation.arguments = resolved->arguments.Dump();
    submission.operation.stages = StagesOf(PolicyOf("drill"));
    auto made = world_->store->Submit(std::move(submission));
    if (!made) return made.error();
    world_->last[instance.id] = made->operation.id;
    return instance.id;
  }

  // The newest operation's end: "FAILED CheckFailed".
  std::string Finish(const std::string& id) {
    const store::InstanceRecord instance = world_->Instance(id);
    for (int look = 0; look < 10; ++look) {
      world_->Look(id);
      world_->cluster.RunControllers();
    }
    world_->MakeReady(instance.ns, instance.name);
    const store::OperationRecord done = world_->Finish(id);
    return std::string(store::Name(done.state)) + " " + done.error["reason"].AsString();
  }

  std::string Verified(const std::string& backup) {
    const auto found = world_->store->GetBackup(backup);
    return found ? found->verified : found.error().message;
  }

  std::string directory_;
  std::unique_ptr<World> world_;
  Resolved resolved_;
};

TEST_F(DrillsTest, AGoodOneSaysSoOfTheBackupAndLeavesNothing) {
  const std::string source = Source("orders", {10, 20});
  const size_t objects = world_->cluster.objects.size();
  const auto copy = Start(source);
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(resolved_.spec["instances"].AsInt(), 1) << "one server is enough for a drill";
  EXPECT_TRUE(resolved_.spec["backup"].is_null()) << "the copy archives nothing";
  EXPECT_EQ(Finish(*copy), "SUCCEEDED ");
  EXPECT_EQ(world_->Instance(*copy).state, "DELETED");
  EXPECT_EQ(world_->cluster.objects.size(), objects);
  EXPECT_EQ(world_->Instance(source).state, "ACTIVE");
  EXPECT_EQ(Verified("bkp_orders20"), "PASSED") << "the newest is what LATEST begins with";
  EXPECT_EQ(Verified("bkp_orders10"), "");
}

TEST_F(DrillsTest, TheBackupIsTheOneThatTheRestoreBeginsWith) {
  const std::string source = Source("orders", {10'000, 20'000});
  const auto begins = [&](const char* wanted) {
    const auto copy = Start(source, *Json::Parse(wanted));
    EXPECT_TRUE(copy) << copy.error().message;
    return resolved_.arguments["drill"]["backup"].AsString();
  };
  EXPECT_EQ(begins("{}"), "bkp_orders20000");
  EXPECT_EQ(begins(R"({"target":{"type":"TIME","value":"1970-01-01T00:00:15Z"}})"),
            "bkp_orders10000");
  EXPECT_EQ(begins(R"({"target":{"type":"TIME","value":"1970-01-01T00:00:20.5Z"}})"), "")
      << "it may have ended before or after";
  EXPECT_EQ(begins(R"({"backupId":"bkp_orders10000"})"), "bkp_orders10000");
}

TEST_F(DrillsTest, ACopyGetsAFolderInTheSourcesStoreWhereItsEngineNeedsOne) {
  const auto store_of_copy = [&](const std::string& source) -> std::string {
    const auto copy = Start(source);
    return copy ? resolved_.spec["backup"]["store"].AsString() : copy.error().reason;
  };
  const std::string source = Source("orders", {10}, "other"), own = Source("own", {10}, "");
  EXPECT_EQ(store_of_copy(source), "");
  world_->engines.engine->Describe(
      "backup",
      *Json::Parse(R"({"types":["FULL"],"targets":["LATEST"],"copy_needs_backup":true})"));
  EXPECT_EQ(store_of_copy(source), "other");
  EXPECT_EQ(store_of_copy(own), "NoStoreForDrill");
}

TEST_F(DrillsTest, ARestoreThatFailsIsTheBackupsFaultAndAnOutageIsNot) {
  const std::string source = Source("orders", {10});
  const size_t objects = world_->cluster.objects.size();
  for (const auto& [reason, verified] :
       {std::pair<const char*, const char*>{"NoRoom", ""}, {"RestoreFailed", "FAILED"}}) {
    world_->engines.engine->step = [reason = reason](const Json& input) -> Result<Json> {
      const bool fails = input["stage"].AsString() == "CRD_DEPLOYMENT";
      return Json::Obj({{"schema", 1},
                        {"verdict", Json::Obj({{"state", fails ? "failed" : "ready"},
                                               {"reason", reason},
                                               {"message", "in the operator's words"}})}});
    };
    const auto copy = Start(source);
    ASSERT_TRUE(copy) << copy.error().message;
    EXPECT_EQ(world_->Finish(*copy).error["reason"].AsString(), reason);
    EXPECT_EQ(world_->Last(*copy).rollback_outcome, "COMPLETE");
    EXPECT_EQ(Verified("bkp_orders10"), verified);
    EXPECT_EQ(world_->cluster.objects.size(), objects);
  }
}

TEST_F(DrillsTest, WhatWouldWaitForAPersonFailsIt) {
  const std::string source = Source("orders", {10});
  world_->engines.engine->step = [](const Json& input) -> Result<Json> {
    const bool blocks = input["stage"].AsString() == "CRD_DEPLOYMENT";
    return Json::Obj(
        {{"schema", 1},
         {"verdict", Json::Obj({{"state", blocks ? "blocked" : "ready"}, {"reason", "Ask"}})}});
  };
  const auto copy = Start(source);
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(Finish(*copy), "FAILED Ask");
  EXPECT_EQ(world_->Last(*copy).rollback_outcome, "COMPLETE");
}

TEST_F(DrillsTest, ChecksThatCannotRunFailTheDrillAndSayNothingOfTheBackup) {
  const std::string source = Source("orders", {10});
  const Json checks = *Json::Parse(R"({"checks":[{"statement":"SELECT 1"}]})");
  const auto refused = Start(source, checks);
  ASSERT_FALSE(refused) << "the engine declares no login";
  EXPECT_EQ(refused.error().reason, "ChecksNotSupported");
  EXPECT_EQ(refused.error().field, "/checks");
  world_->engines.engine->Describe("login_proof", *Json::Parse(R"({"protocol":"postgresql"})"));
  const auto copy = Start(source, checks);
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(Finish(*copy), "FAILED ChecksNotRun");
  EXPECT_EQ(world_->Last(*copy).rollback_outcome, "COMPLETE");
  EXPECT_EQ(Verified("bkp_orders10"), "");
}

TEST_F(DrillsTest, OneThatIsKilledAnywhereEndsAsTheOthersDo) {
  const std::string source = Source("orders", {10});
  const size_t objects = world_->cluster.objects.size();
  int seen = 0;
  for (int kill = 0; kill < 40; ++kill) {
    int call = 0;
    world_->cluster.fault = [&](const char*, const std::string&, bool) -> std::optional<Error> {
      if (call++ == kill) {
        ++seen;
        throw Killed();
      }
      return std::nullopt;
    };
    const auto copy = Start(source);
    ASSERT_TRUE(copy) << copy.error().message;
    EXPECT_EQ(Finish(*copy), "SUCCEEDED ") << kill;
    world_->cluster.fault = nullptr;
    EXPECT_EQ(world_->cluster.objects.size(), objects) << kill;
  }
  EXPECT_GE(seen, 10) << "there are fewer calls than that";
}

TEST_F(DrillsTest, ADeleteOfTheThrowAwayInstanceTakesItsPlace) {
  const auto copy = Start(Source("orders", {10}));
  ASSERT_TRUE(copy) << copy.error().message;
  world_->Look(*copy);
  const auto deleted = world_->Submit(*copy, "delete");
  ASSERT_TRUE(deleted) << deleted.error().message;
  EXPECT_FALSE(deleted->replayed);
  EXPECT_EQ(world_->Finish(*copy).state, OperationState::kSucceeded);
  EXPECT_EQ(world_->Instance(*copy).state, "DELETED");
}

TEST_F(DrillsTest, TheyAreBoundedInNumberAndOnePerSource) {
  const std::string first = Source("a", {10}), second = Source("b", {10}),
                    third = Source("c", {10});
  ASSERT_TRUE(Start(first, Json::MakeObject(), 2));
  const auto again = Start(first, Json::MakeObject(), 2);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "OperationInProgress");
  ASSERT_TRUE(Start(second, Json::MakeObject(), 2));
  const auto over = Start(third, Json::MakeObject(), 2);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().reason, "TooManyOperations");
}

TEST_F(DrillsTest, AValueIsComparedAsTheCheckSays) {
  const auto missed = [](const char* check, std::optional<std::string> value) {
    return Mismatch(*Json::Parse(check), value).value_or("");
  };
  EXPECT_EQ(missed(R"({})", "anything"), "");
  EXPECT_EQ(missed(R"({})", std::nullopt), "the statement yields no value");
  EXPECT_EQ(missed(R"({"equals":"a"})", "a"), "");
  EXPECT_EQ(missed(R"({"equals":"grün"})", "grün"), "") << "compared as it is, not as it is shown";
  EXPECT_EQ(missed(R"({"equals":3})", "3.0"), "");
  EXPECT_EQ(missed(R"({"equals":3})", "x"), "the value is x; exactly 3 is wanted");
  EXPECT_EQ(missed(R"({"equals":"3"})", "3.0"), "the value is 3.0; exactly \"3\" is wanted");
  EXPECT_EQ(missed(R"({"atLeast":2,"atMost":4})", "3"), "");
  EXPECT_EQ(missed(R"({"atLeast":2})", "1"), "the value is 1; at least 2 is wanted");
  EXPECT_EQ(missed(R"({"atMost":4})", "5e3"), "the value is 5e3; at most 4 is wanted");
  EXPECT_EQ(missed(R"({"atMost":4})", "few"), "the value is few; at most 4 is wanted");
  EXPECT_EQ(missed(R"({"atMost":4})", "nan"), "the value is nan; at most 4 is wanted");
}

TEST_F(DrillsTest, AreDueByTheStoreOrTheInstanceAndNotTwiceADay) {
  BackupStore weekly;
  weekly.name = "main";
  weekly.drill_days = 7;
  const std::string source = Source("orders", {world_->clock.NowMs()});
  Source("elsewhere", {10}, "other");
  Source("without-backup", {});
  std::vector<std::string> started;
  std::optional<Error> refusal;
  DrillKeeper keeper(
      {weekly}, *world_->store,
      [&](const store::InstanceRecord& due) -> Result<void> {
        started.push_back(due.name);
        if (refusal) return *refusal;
        const auto copy = Start(due.id);
        if (!copy) return copy.error();
        Finish(*copy);
        return {};
      },
      world_->clock, world_->log, world_->metrics);
  const auto round = [&] {
    started.clear();
    keeper.Round();
    return started;
  };
  const auto overdue = [&] {
    const std::string text = world_->metrics.Text(), name = "\nslipway_restore_drills_overdue ";
    return text.substr(text.find(name) + name.size(), 1);
  };
  const std::vector<std::string> one = {"orders"}, none;
  EXPECT_EQ(round(), one) << "the first backup is not proved yet";
  EXPECT_EQ(round(), none);
  world_->clock.Advance(7 * kDay + 1);
  // A drill that fails is tried again after a day, and is overdue after two weeks.
  world_->engines.engine->step = [](const Json&) -> Result<Json> {
    return Json::Obj({{"schema", 1},
                      {"verdict", Json::Obj({{"state", "failed"}, {"reason", "RestoreFailed"}})}});
  };
  EXPECT_EQ(round(), one);
  EXPECT_EQ(round(), none);
  EXPECT_EQ(overdue(), "0");
  world_->clock.Advance(kDay + 1);
  EXPECT_EQ(round(), one);
  world_->clock.Advance(7 * kDay);
  world_->engines.engine->step = nullptr;
  refusal = Error{Code::kInvalid, "ValidationFailed", "no tier"};
  EXPECT_EQ(round(), one);
  EXPECT_EQ(overdue(), "1");
  EXPECT_EQ(round(), none) << "a refusal is not repeated every minute";
  refusal.reset();
  world_->clock.Advance(kDay / 12);
  EXPECT_EQ(round(), one);
  EXPECT_EQ(round(), none);
  EXPECT_EQ(overdue(), "0");
}

TEST_F(DrillsTest, ThoseThatAreRefusedHoldNoOtherUp) {
  BackupStore weekly;
  weekly.name = "main";
  weekly.drill_days = 7;
  const size_t page = store::DrillQuery().limit;
  for (size_t i = 0; i <= page; ++i) Source("s" + std::to_string(i), {10});
  std::set<std::string> asked;
  DrillKeeper keeper(
      {weekly}, *world_->store,
      [&](const store::InstanceRecord& due) -> Result<void> {
        asked.insert(due.name);
        return Error{Code::kInvalid, "ValidationFailed", "no tier"};
      },
      world_->clock, world_->log, world_->metrics);
  keeper.Round();
  EXPECT_EQ(asked.size(), page);
  keeper.Round();
  EXPECT_EQ(asked.size(), page + 1);
}

TEST_F(DrillsTest, AnInstancesOwnDaysWin) {
  CreateRequest request;
  request.organization = "acme";
  request.project = "shop";
  request.database_type = "FAKE";
  request.tier = "FREE";
  const auto days = [&](const char* backup) {
    request.backup = *Json::Parse(backup);
    Findings findings;
    const CreateContext context{world_->options, world_->engines, *world_->store, world_->clock};
    const auto resolved = ResolveCreate(request, "ins_new", context, findings);
    if (!resolved) return findings.problems.front().field;
    EXPECT_FALSE(resolved->spec["backup"].Has("drill")) << "the engine never sees it";
    return std::to_string(resolved->drill_days);
  };
  const auto own = [](const std::string& drill) {
    return R"({"destinationPath":"s3://b/p")" + drill + "}";
  };
  EXPECT_EQ(days(own("").c_str()), "-1");
  EXPECT_EQ(days(own(R"(,"drill":null)").c_str()), "-1");
  EXPECT_EQ(days(own(R"(,"drill":{"everyDays":0})").c_str()), "0");
  EXPECT_EQ(days(own(R"(,"drill":{"everyDays":30})").c_str()), "30");
  for (const char* wrong : {R"(,"drill":7)", R"(,"drill":{})", R"(,"drill":{"everyDays":"7"})",
                            R"(,"drill":{"everyDays":366})", R"(,"drill":{"everyDays":-1})",
                            R"(,"drill":{"everyDays":7,"hour":3})"})
    EXPECT_EQ(days(own(wrong).c_str()), "/backup/drill") << wrong;
}

}  // namespace
}  // namespace slipway::pipeline::testing
