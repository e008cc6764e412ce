#include "store/store_fixture.h"

namespace slipway::store {
namespace {

class BackupsTest : public StoreTest {
 protected:
  BackupRecord Backup(const std::string& name, const std::string& state) {
    BackupRecord out;
    out.id = NewId("bkp", clock_);
    out.instance_id = instance_;
    out.organization = "acme";
    out.name = name;
    out.type = "FULL";
    out.trigger = "REQUEST";
    out.state = state;
    return out;
  }

  void Report(std::vector<BackupRecord> backups, bool is_complete) {
    OperationRecord operation = created_.operation;
    const auto stored = store_->GetOperation(operation.id);
    operation.fence = stored->fence;
    operation.revision = stored->revision;
    Change change;
    change.operation = operation;
    change.backups = {std::move(backups), is_complete};
    ASSERT_TRUE(store_->Commit(std::move(change)));
    clock_.Advance(10);
  }

  std::vector<std::string> Names(BackupFilter filter) {
    std::vector<std::string> out;
    const auto found = *store_->ListBackups(filter);
    for (const auto& backup : found) out.push_back(backup.name + " " + backup.state);
    return out;
  }

  Submitted created_ = Created("db");
  std::string instance_ = created_.instance.id;
};

using Texts = std::vector<std::string>;

TEST_F(BackupsTest, AKnownOneKeepsItsIdAndTheRestIsGoneOnlyWhenTheListIsComplete) {
  Report({Backup("a", "RUNNING")}, false);
  const std::string id = store_->ListBackups({})->front().id;
  Report({Backup("b", "COMPLETED")}, false);
  EXPECT_EQ(Names({}), (Texts{"b COMPLETED", "a RUNNING"}));
  Report({Backup("a", "COMPLETED")}, true);
  EXPECT_EQ(Names({}), (Texts{"a COMPLETED"}));
  EXPECT_EQ(store_->ListBackups({})->front().id, id);
  BackupFilter all;
  all.include_gone = true;
  EXPECT_EQ(Names(all), (Texts{"b COMPLETED", "a COMPLETED"}));
  EXPECT_NE(store_->ListBackups(all)->front().gone_ms, 0);
  Report({Backup("b", "COMPLETED")}, false);
  EXPECT_EQ(Names({}), (Texts{"b COMPLETED", "a COMPLETED"})) << "it came back";
}

TEST_F(BackupsTest, TheNewestComesFirstThoughAClustersTimesHaveNoMilliseconds) {
  clock_.Advance(1000 - clock_.NowMs() % 1000 + 700);
  Report({Backup("never-started", "FAILED")}, false);
  BackupRecord next = Backup("next", "COMPLETED");
  next.created_ms = next.started_ms = clock_.NowMs() - clock_.NowMs() % 1000;
  Report({next}, false);
  EXPECT_EQ(Names({}), (Texts{"next COMPLETED", "never-started FAILED"}));
}

TEST_F(BackupsTest, AreFilteredAndPaged) {
  for (const char* name : {"a", "b", "c"}) Report({Backup(name, "COMPLETED")}, false);
  BackupFilter filter;
  filter.limit = 2;
  EXPECT_EQ(Names(filter), (Texts{"c COMPLETED", "b COMPLETED"}));
  const BackupRecord last = store_->ListBackups(filter)->back();
  filter.before_created_ms = last.created_ms;
  filter.before_id = last.id;
  EXPECT_EQ(Names(filter), (Texts{"a COMPLETED"}));
  BackupFilter others;
  others.organizations = {"umbrella"};
  EXPECT_EQ(Names(others), Texts{});
  BackupFilter failed;
  failed.state = "FAILED";
  EXPECT_EQ(Names(failed), Texts{});
  EXPECT_EQ(store_->GetBackup(last.id)->name, "b");
  EXPECT_EQ(store_->GetBackup("bkp_x").error().reason, "BackupNotFound");
}

TEST_F(BackupsTest, AnObjectThatMayVanishIsErasedByAnObservation) {
  OperationRecord operation = created_.operation;
  const auto stored = store_->GetOperation(operation.id);
  operation.fence = stored->fence;
  operation.revision = stored->revision;
  operation.state = OperationState::kSucceeded;
  Change change;
  change.operation = operation;
  ObjectRecord object{"v1", "Pod", "acme-shop", "b", "uid", "sha", 1, true};
  change.put_objects = {object};
  ASSERT_TRUE(store_->Commit(std::move(change)));
  ASSERT_EQ(store_->Inventory(instance_)->size(), 1u);
  EXPECT_TRUE(store_->Inventory(instance_)->front().passing);
  Observation seen;
  seen.erase_objects = {object};
  ASSERT_TRUE(store_->Observe(instance_, seen));
  EXPECT_TRUE(store_->Inventory(instance_)->empty());
}

}  // namespace
}  // namespace slipway::store
