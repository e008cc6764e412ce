// Backups and restores in process: what is asked, refused, written and said.
#include "pipeline/backups.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "pipeline/restore.h"
#include "pipeline/test_support.h"
#include "pipeline/verbs.h"

namespace slipway::pipeline::testing {
namespace {

using store::OperationState;

constexpr int64_t kHour = 3'600'000;

class BackupsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "slipway-backups-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    world_ = std::make_unique<World>(directory_);
    world_->options.tiers = {Tier{"FREE", 1, "1Gi", "1Gi", "1", false}};
    world_->engines.engine->Describe("transient", Json::Arr({"v1/Pod"}));
    world_->engines.engine->Describe(
        "backup", *Json::Parse(R"({"types":["FULL"],"targets":["LATEST","TIME","BACKUP","XID"]})"));
    Observed("{}");
  }

  void TearDown() override {
    world_.reset();
    std::filesystem::remove_all(directory_);
  }

  // An instance with a backup section that stands.
  std::string Standing(const std::string& name,
                       const char* backup = R"({"destinationPath":"s3://b/p"})") {
    const store::Submitted made = world_->Create("shop", name);
    const std::string id = made.instance.id;
    world_->Finish(id);
    store::Change change;
    change.operation = world_->Last(id);
    change.instance.emplace();
    change.instance->spec = Json::Obj({{"tier", "FREE"}, {"backup", *Json::Parse(backup)}}).Dump();
    EXPECT_TRUE(world_->store->Commit(std::move(change)));
    return id;
  }

  // What the engine says to OBSERVE from now on.
  void Observed(const std::string& outputs) {
    world_->engines.engine->step = [told =
                                        *Json::Parse(outputs)](const Json& input) -> Result<Json> {
      Json out = Json::Obj(
          {{"schema", 1}, {"verdict", Json::Obj({{"state", "ready"}, {"reason", "Ready"}})}});
      if (input["verb"].AsString() == "observe") out.Set("outputs", told);
      return out;
    };
  }

  std::string Window(int64_t from, int64_t to, bool open) {
    return Json::Obj({{"window",
                       Json::Obj({{"supported", true},
                                  {"archiving", "HEALTHY"},
                                  {"last_backup_ms", to},
                                  {"windows",
                                   Json::Arr({Json::Obj(
                                       {{"from_ms", from}, {"to_ms", to}, {"open", open}})})}})}})
        .Dump();
  }

  Json Condition(const std::string& id, const std::string& type) {
    const Json outputs = *Json::Parse(world_->Instance(id).outputs);
    for (const Json& condition : outputs["conditions"].items())
      if (condition["type"].AsString() == type) return condition;
    return {};
  }

  CreateRequest Restoring(const std::string& source) {
    CreateRequest request;
    request.organization = "acme";
    request.project = "copy";
    request.database_type = "FAKE";
    request.tier = "FREE";
    request.source = *Json::Parse(source);
    return request;
  }

  // "pointer Reason message" of each problem.
  std::vector<std::string> Problems(const CreateRequest& request, Json* arguments = nullptr) {
    Findings findings;
    const CreateContext context{world_->options, world_->engines, *world_->store, world_->clock};
    const auto resolved = ResolveCreate(request, "ins_new", context, findings);
    if (resolved && arguments != nullptr) *arguments = resolved->arguments;
    std::vector<std::string> out;
    for (const Error& problem : findings.problems)
      out.push_back(problem.field + " " + problem.reason + " " + problem.message);
    return out;
  }

  std::string directory_;
  std::unique_ptr<World> world_;
};

TEST_F(BackupsTest, AnEmptySectionGetsTheHostsStore) {
  CreateRequest request = Restoring("null");
  request.backup = Json::MakeObject();
  EXPECT_EQ(Problems(request).front().substr(0, 22), "/backup NoBackupStore ");
  world_->options.backup_stores = {
      {"main", true, "s3://bucket/pre/", "https://s3.example", "eu-1", "", "keys"},
      {"other", false, "s3://second", "", "", "", "keys"}};
  const auto with = [&](const char* backup) {
    return WithStore(*Json::Parse(backup), world_->options.backup_stores, "acme", "ins_1",
                     "orders");
  };
  EXPECT_EQ(
      *with("{}"),
      *Json::Parse(
          R"({"store":"main","destinationPath":"s3://bucket/pre/acme/ins_1","credentialsSecret":"orders-backup-keys",
          "endpointURL":"https://s3.example","region":"eu-1","regionKey":"REGION"})"));
  EXPECT_EQ((*with(R"({"store":"other","schedule":"x"})"))["destinationPath"].AsString(),
            "s3://second/acme/ins_1");
  EXPECT_EQ(*with("null"), Json());
  const char* own = R"({"destinationPath":"s3://mine/x","credentialsSecret":"keys"})";
  EXPECT_EQ(*with(own), *Json::Parse(own));
  const std::pair<const char*, const char*> refused[] = {
      {R"({"store":"none"})", "/backup/store"},
      {R"({"store":7})", "/backup/store"},
      {R"({"store":"main","destinationPath":"s3://mine/x"})", "/backup/store"},
      {R"({"destinationPath":"file:///etc"})", "/backup/destinationPath"},
      {R"({"credentialsSecret":"keys"})", "/backup/credentialsSecret"}};
  for (const auto& [backup, field] : refused) {
    const auto got = with(backup);
    ASSERT_FALSE(got) << backup;
    EXPECT_EQ(got.error().field, field) << backup;
  }
}

TEST_F(BackupsTest, TheKeysOfAStoreAreReadForEachUseAndNamedWhereTheyAreMissing) {
  const std::string file = directory_ + "/keys";
  const BackupStore store{"main", true, "s3://b", "", "eu-1", "", file};
  EXPECT_EQ(StoreKeysSecret(store, "ns", "n").error().reason, "StoreKeysUnreadable");
  std::ofstream(file) << "[default]\n aws_access_key_id = one \n";
  EXPECT_NE(StoreKeysSecret(store, "ns", "n").error().message.find(file), std::string::npos);
  std::ofstream(file)
      << "# ours\n[default]\naws_access_key_id=one\naws_secret_access_key = a=b\n[x]\n"
         "aws_access_key_id=two\n";
  const auto secret = StoreKeysSecret(store, "ns", "n");
  ASSERT_TRUE(secret) << secret.error().message;
  const Json& data = (*secret)["stringData"];
  EXPECT_EQ(data["ACCESS_KEY_ID"].AsString(), "one");
  EXPECT_EQ(data["ACCESS_SECRET_KEY"].AsString(), "a=b");
  EXPECT_EQ(data["REGION"].AsString(), "eu-1");
}

TEST_F(BackupsTest, ASecretWithTheKeysIsThereBeforeTheEngineIsAskedAndGoesWithTheInstance) {
  world_->options.backup_stores = {{"dev", true, "file:///somewhere", "", "", "", ""}};
  const store::Submitted made = world_->Create("shop", "orders");
  const std::string id = made.instance.id;
  store::Change change;
  change.operation = made.operation;
  change.operation.spec = R"({"tier":"FREE","backup":{"store":"dev"}})";
  change.operation.fence = world_->store->GetOperation(made.operation.id)->fence;
  ASSERT_TRUE(world_->store->Commit(std::move(change)));
  EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
  const auto secret = world_->cluster.objects.find({"Secret", "acme-shop", "orders-backup-keys"});
  ASSERT_NE(secret, world_->cluster.objects.end());
  EXPECT_EQ(secret->second.At("/metadata/labels")["slipway.dev/instance"].AsString(), id);
  ASSERT_TRUE(world_->Submit(id, "delete"));
  EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
  EXPECT_TRUE(world_->cluster.objects.empty());
}

TEST_F(BackupsTest, AStoreThatTheConfigurationLostStopsTheCreateWithItsName) {
  const store::Submitted made = world_->Create("shop", "orders");
  store::Change change;
  change.operation = made.operation;
  change.operation.spec = R"({"tier":"FREE","backup":{"store":"lost"}})";
  change.operation.fence = world_->store->GetOperation(made.operation.id)->fence;
  ASSERT_TRUE(world_->store->Commit(std::move(change)));
  const store::OperationRecord done = world_->Finish(made.instance.id);
  EXPECT_EQ(done.state, OperationState::kBlocked);
  EXPECT_EQ(done.error["reason"].AsString(), "UnknownBackupStore");
}

TEST_F(BackupsTest, AnOnDemandBackupIsListedAndItsObjectIsNoPartOfTheInstance) {
  const std::string id = Standing("orders");
  bool completed = false;
  world_->engines.engine->step = [&](const Json& input) -> Result<Json> {
    Json out = Json::Obj({{"schema", 1}});
    const Json backup = Json::Obj({{"id", "orders-b1"},
                                   {"type", "FULL"},
                                   {"trigger", "REQUEST"},
                                   {"state", completed ? "COMPLETED" : "RUNNING"},
                                   {"started_ms", 1000},
                                   {"finished_ms", completed ? 2000 : 0}});
    if (input["stage"].AsString() == "BACKUP") {
      out.Set("apply", Json::Arr({Json::Obj({{"apiVersion", "v1"},
                                             {"kind", "Pod"},
                                             {"metadata", Json::Obj({{"name", "orders-b1"}})}})}));
      out.Set("outputs", Json::Obj({{"backups", Json::Arr({backup})}}));
    }
    const bool done = input["stage"].AsString() != "BACKUP" || completed;
    return out.Set("verdict",
                   Json::Obj({{"state", done ? "ready" : "progressing"}, {"reason", "Doing"}}));
  };
  world_->engines.engine->Describe("applies", Json::Arr({"v1/ConfigMap", "v1/Pod"}));
  ASSERT_TRUE(world_->Submit(id, "backup"));
  for (int look = 0; look < 5; ++look) world_->Look(id);
  auto listed = *world_->store->ListBackups({});
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].state, "RUNNING");
  EXPECT_EQ(world_->Instance(id).state, "ACTIVE") << "a backup is no state of the instance";
  completed = true;
  EXPECT_EQ(world_->Finish(id).state, OperationState::kSucceeded);
  listed = *world_->store->ListBackups({});
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].state, "COMPLETED");
  EXPECT_EQ(listed[0].finished_ms, 2000);
  // The object may go by itself, as the operator's retention does it.
  world_->cluster.objects.erase({"Pod", "acme-shop", "orders-b1"});
  world_->Look(id);
  EXPECT_EQ(world_->Instance(id).state, "ACTIVE");
  const auto inventory = *world_->store->Inventory(id);
  for (const auto& object : inventory) EXPECT_NE(object.name, "orders-b1");
}

TEST_F(BackupsTest, AFailedBackupLeavesTheInstanceAsItWas) {
  const std::string id = Standing("orders");
  world_->engines.engine->step = [](const Json& input) -> Result<Json> {
    const bool backup = input["stage"].AsString() == "BACKUP";
    return Json::Obj({{"schema", 1},
                      {"verdict", Json::Obj({{"state", backup ? "failed" : "ready"},
                                             {"reason", "BackupFailed"},
                                             {"message", "AccessDenied"}})}});
  };
  ASSERT_TRUE(world_->Submit(id, "backup"));
  const store::OperationRecord done = world_->Finish(id);
  EXPECT_EQ(done.state, OperationState::kFailed);
  EXPECT_EQ(done.error["message"].AsString(), "AccessDenied");
  EXPECT_EQ(done.rollback_outcome, "RETAINED");
  EXPECT_EQ(world_->Instance(id).state, "ACTIVE");
  EXPECT_EQ(world_->Instance(id).reason, "");
}

TEST_F(BackupsTest, ConditionsFollowWhatTheEngineSees) {
  const std::string id = Standing("orders");
  const auto said = [&](const char* window) {
    Observed(std::string(R"({"window":{"supported":true,"windows":[],)") + window + "}}");
    world_->Look(id);
    std::string out;
    for (const char* type : {"ArchivingHealthy", "BackedUp"})
      out += Condition(id, type)["reason"].AsString() + " ";
    return out;
  };
  EXPECT_EQ(said(R"("archiving":"NOT_STARTED")"), "ArchivingNotStarted NoBackupYet ");
  EXPECT_EQ(said(R"("archiving":"HEALTHY","last_backup_ms":5)"), "Archiving BackedUp ");
  EXPECT_EQ(said(R"("archiving":"FAILING","archive_error":"403","last_backup_ms":5)"),
            "ArchivingFailing BackedUp ");
  EXPECT_EQ(Condition(id, "ArchivingHealthy")["message"].AsString(), "403");
  EXPECT_EQ(said(R"("archiving":"HEALTHY","last_backup_ms":5,"last_backup_error":"full")"),
            "Archiving LastBackupFailed ");
}

TEST_F(BackupsTest, ATargetIsCheckedAgainstTheWindowBeforeAnythingIsMade) {
  const std::string id = Standing("orders");
  const int64_t now = world_->clock.NowMs();
  const std::string source = R"({"instanceId":")" + id + R"(","target":)";
  EXPECT_EQ(Problems(Restoring(R"({"instanceId":")" + id + "\"}")).front().substr(0, 36),
            "/source/instanceId NoUsableBackup no");
  Observed(Window(now - 2 * kHour, now - kHour, false));
  world_->Look(id);
  const auto at = [&](int64_t time) {
    return Problems(Restoring(source + R"({"type":"TIME","value":")" + FormatTime(time) + "\"}}"));
  };
  EXPECT_TRUE(at(now - 2 * kHour).empty());
  EXPECT_TRUE(at(now - kHour).empty());
  EXPECT_EQ(at(now).at(0), "/source/target/value TargetOutsideWindow no restore can reach " +
                               FormatTime(now) + "; the nearest points are " +
                               FormatTime(now - kHour));
  EXPECT_EQ(at(now - 3 * kHour).at(0).substr(0, 40), "/source/target/value TargetOutsideWindow");
  Observed(Window(now - 2 * kHour, now - kHour, true));
  world_->Look(id);
  EXPECT_TRUE(at(now).empty()) << "the window is open";
  EXPECT_FALSE(at(now + kHour).empty()) << "nobody can restore the future";
  EXPECT_EQ(
      Problems(Restoring(source + R"({"type":"TIME","value":"yesterday"}})")).at(0).substr(0, 32),
      "/source/target/value InvalidTime");
  EXPECT_EQ(Problems(Restoring(source + R"({"type":"LSN","value":"0/1"}})")).at(0).substr(0, 45),
            "/source/target/type TargetUnsupported \"LSN\" i");
}

TEST_F(BackupsTest, ASourceIsFoundOrRefused) {
  const std::string id = Standing("orders"), plain = Standing("plain", "null");
  Observed(
      R"({"backups":[{"id":"b1","type":"FULL","trigger":"SCHEDULE","state":"COMPLETED","reference":"2026T1","started_ms":5,"finished_ms":9},
                          {"id":"b2","type":"FULL","trigger":"SCHEDULE","state":"FAILED","started_ms":6}]})");
  world_->Look(id);
  std::map<std::string, std::string> ids;
  const auto reported = *world_->store->ListBackups({});
  for (const auto& backup : reported) ids[backup.name] = backup.id;
  Json arguments;
  EXPECT_TRUE(Problems(Restoring(R"({"backupId":")" + ids["b1"] + "\"}"), &arguments).empty());
  const Json& source = arguments["source"];
  EXPECT_EQ(source["instance"]["id"].AsString(), id);
  EXPECT_EQ(source["backup"]["reference"].AsString(), "2026T1");
  EXPECT_EQ(source["target"]["type"].AsString(), "BACKUP");
  EXPECT_EQ(source["credentials_secret"].AsString(), "copy-source-keys");
  EXPECT_EQ(source["spec"]["backup"]["destinationPath"].AsString(), "s3://b/p");

  const auto first = [&](const CreateRequest& request) {
    const std::vector<std::string> found = Problems(request);
    if (found.empty()) return std::string("taken");
    return found[0].substr(0, found[0].find(' ', found[0].find(' ') + 1));
  };
  EXPECT_EQ(first(Restoring("{}")), "/source Required");
  EXPECT_EQ(first(Restoring(R"({"instanceId":"ins_none"})")),
            "/source/instanceId InstanceNotFound");
  EXPECT_EQ(first(Restoring(R"({"backupId":"bkp_none"})")), "/source/backupId BackupNotFound");
  EXPECT_EQ(first(Restoring(R"({"backupId":")" + ids["b2"] + "\"}")),
            "/source/backupId BackupNotUsable");
  EXPECT_EQ(first(Restoring(R"({"instanceId":")" + plain + "\"}")), "/source/instanceId NoBackups");
  EXPECT_EQ(
      first(Restoring(R"({"instanceId":")" + plain + R"(","backupId":")" + ids["b1"] + "\"}")),
      "/source/backupId BackupNotFound");
  CreateRequest other = Restoring(R"({"instanceId":")" + id + "\"}");
  other.organization = "umbrella";
  EXPECT_EQ(first(other), "/source/instanceId InstanceNotFound") << "of another organization";
  other = Restoring(R"({"backupId":")" + ids["b1"] + "\"}");
  other.organization = "umbrella";
  EXPECT_EQ(first(other), "/source/backupId BackupNotFound");
  world_->engines.engine->Describe("backup", Json());
  EXPECT_EQ(first(Restoring(R"({"backupId":")" + ids["b1"] + "\"}")),
            "/source RestoreNotSupported");
}

TEST_F(BackupsTest, TheKeysOfATenantsOwnBucketAreCopiedToTheNewNamespace) {
  const std::string id =
      Standing("orders",
               R"({"destinationPath":"s3://b/p","credentialsSecret":"mine","accessKeyIdKey":"A"})");
  const Json source =
      Json::Obj({{"source", Json::Obj({{"instance", Json::Obj({{"namespace", "acme-shop"}})},
                                       {"spec", *Json::Parse(world_->Instance(id).spec)}})}});
  const store::Submitted made =
      world_->Create("copy", "copy", "ROLLBACK", [&](store::OperationRecord& operation) {
        operation.verb = "restore";
        operation.stages = StagesOf(PolicyOf("restore"));
        operation.arguments = source.Dump();
      });
  EXPECT_EQ(world_->Finish(made.instance.id).error["reason"].AsString(), "SourceKeysMissing");

  world_->cluster.objects[{"Secret", "acme-shop", "mine"}] = *Json::Parse(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"mine","namespace":"acme-shop"},"data":{"A":"Yg==","password":"Yw=="}})");
  const store::Submitted again =
      world_->Create("copy", "copy", "ROLLBACK", [&](store::OperationRecord& operation) {
        operation.verb = "restore";
        operation.stages = StagesOf(PolicyOf("restore"));
        operation.arguments = source.Dump();
      });
  EXPECT_EQ(world_->Finish(again.instance.id).state, OperationState::kSucceeded);
  const auto copy = world_->cluster.objects.find({"Secret", "acme-copy", "copy-source-keys"});
  ASSERT_NE(copy, world_->cluster.objects.end());
  EXPECT_EQ(copy->second["data"], *Json::Parse(R"({"A":"Yg=="})")) << "no other key";
}

}  // namespace
}  // namespace slipway::pipeline::testing
