#include <algorithm>

#include "store/store_fixture.h"

namespace slipway::store {
namespace {

class ArchivesTest : public StoreTest {
 protected:
  // An instance with a folder in the store "main".
  Submitted WithArchive(const std::string& name) {
    Submission submission = Creation(name);
    ArchiveRecord archive;
    archive.instance_id = submission.instance->id;
    archive.organization = "acme";
    archive.store = "main";
    archive.folder = "s3://b/acme/" + archive.instance_id;
    submission.archive = archive;
    auto submitted = store_->Submit(std::move(submission));
    EXPECT_TRUE(submitted);
    return *submitted;
  }

  void Report(const Submitted& of, const std::string& name, const std::string& state) {
    Change change;
    change.operation = *store_->GetOperation(of.operation.id);
    BackupRecord backup;
    backup.id = NewId("bkp", clock_);
    backup.instance_id = of.instance.id;
    backup.organization = "acme";
    backup.name = name;
    backup.state = state;
    change.backups = {{backup}, false};
    ASSERT_TRUE(store_->Commit(std::move(change)));
  }

  void Delete(const Submitted& of, int64_t expires_ms) {
    Change change;
    change.operation = *store_->GetOperation(of.operation.id);
    change.operation.state = OperationState::kSucceeded;
    change.instance.emplace();
    change.instance->deleted = true;
    change.archive_expires_ms = expires_ms;
    ASSERT_TRUE(store_->Commit(std::move(change)));
  }

  std::vector<std::string> ToKeep() {
    std::vector<std::string> out;
    const auto found = *store_->ArchivesToKeep(clock_.NowMs(), "", 100);
    out.reserve(found.size());
    for (const auto& archive : found) out.push_back(store_->GetInstance(archive.instance_id)->name);
    return out;
  }

  Result<Submitted> Restore(const std::string& name, const std::string& source) {
    Submission submission = Creation(name);
    submission.operation.source = source;
    return store_->Submit(std::move(submission));
  }
};

using Texts = std::vector<std::string>;

TEST_F(ArchivesTest, AManifestIsDueWithTheFirstBackupAndAfterEachChangeOfWhatItTells) {
  const Submitted made = WithArchive("db");
  EXPECT_EQ(ToKeep(), Texts{}) << "there is nothing to restore yet";
  Report(made, "a", "RUNNING");
  EXPECT_EQ(ToKeep(), Texts{"db"});
  const auto written = [&] {
    const int64_t revision = (*store_->Archive(made.instance.id))->revision;
    ASSERT_TRUE(store_->ManifestWritten(made.instance.id, revision));
  };
  written();
  EXPECT_EQ(ToKeep(), Texts{});
  Report(made, "a", "RUNNING");
  EXPECT_EQ(ToKeep(), Texts{}) << "nothing has changed";
  Report(made, "a", "COMPLETED");
  EXPECT_EQ(ToKeep(), Texts{"db"});
  written();
  ASSERT_TRUE(store_->PatchInstance(made.instance.id, 0, std::nullopt, R"({"a":"b"})"));
  EXPECT_EQ(ToKeep(), Texts{"db"});
  const int64_t before = (*store_->Archive(made.instance.id))->revision;
  Report(made, "b", "COMPLETED");
  ASSERT_TRUE(store_->ManifestWritten(made.instance.id, before));
  EXPECT_EQ(ToKeep(), Texts{"db"}) << "it tells of b only the next time";
}

TEST_F(ArchivesTest, ThoseWithWorkComeInPages) {
  std::vector<std::string> made, seen;
  for (const char* name : {"a", "b", "c"}) {
    const Submitted one = WithArchive(name);
    Report(one, "x", "COMPLETED");
    made.push_back(one.instance.id);
  }
  std::string after;
  while (seen.size() < made.size()) {
    const auto page = *store_->ArchivesToKeep(clock_.NowMs(), after, 1);
    ASSERT_EQ(page.size(), 1U);
    seen.push_back(after = page[0].instance_id);
  }
  EXPECT_TRUE(store_->ArchivesToKeep(clock_.NowMs(), after, 1)->empty());
  std::sort(made.begin(), made.end());
  EXPECT_EQ(seen, made);
}

TEST_F(ArchivesTest, AnExpiredArchiveIsNoSourceAndGoesWithItsBackups) {
  const Submitted made = WithArchive("db");
  const std::string& id = made.instance.id;
  Report(made, "a", "COMPLETED");
  ASSERT_TRUE(store_->ManifestWritten(id, 100));
  const int64_t expires = clock_.NowMs() + 1000;
  Delete(made, expires);
  EXPECT_EQ(store_->ListBackups({})->front().expires_ms, expires);
  EXPECT_EQ(store_->GetBackup(store_->ListBackups({})->front().id)->expires_ms, expires);
  EXPECT_EQ(ToKeep(), Texts{});
  EXPECT_TRUE(Restore("copy", id));
  clock_.Advance(1000);
  EXPECT_EQ(ToKeep(), Texts{"db"});
  EXPECT_REASON(Restore("late", id), kConflict, "BackupsExpired");
  ASSERT_TRUE(store_->ArchiveGone(id));
  EXPECT_EQ(ToKeep(), Texts{});
  EXPECT_TRUE(store_->ListBackups({})->empty());
  EXPECT_NE((*store_->Archive(id))->gone_ms, 0);
}

TEST_F(ArchivesTest, NoRemovalBeginsUnderARestoreAndNoRestoreAfterARemovalHasBegun) {
  const Submitted made = WithArchive("db");
  const std::string& id = made.instance.id;
  const auto restoring = Restore("copy", id);
  ASSERT_TRUE(restoring);
  EXPECT_FALSE(*store_->BeginRemoval(id));
  EXPECT_TRUE(Restore("second", id)) << "what could not begin holds nothing up";
  Finish(*store_->GetOperation(restoring->operation.id), OperationState::kSucceeded);
  EXPECT_FALSE(*store_->BeginRemoval(id)) << "the second one reads it";
  const auto operations = *store_->ListOperations({});
  for (const auto& operation : operations)
    if (operation.state == OperationState::kPending && operation.instance_id != id)
      Finish(operation, OperationState::kFailed);
  EXPECT_TRUE(*store_->BeginRemoval(id));
  Reopen();
  EXPECT_REASON(Restore("third", id), kConflict, "BackupsExpired");
}

TEST_F(ArchivesTest, OnlyThoseOfDeletedInstancesAreListedWhenAsked) {
  const Submitted alive = WithArchive("alive"), gone = WithArchive("gone");
  Report(alive, "a", "COMPLETED");
  Report(gone, "g", "COMPLETED");
  Delete(gone, 0);
  BackupFilter deleted;
  deleted.deleted = true;
  ASSERT_EQ(store_->ListBackups(deleted)->size(), 1U);
  EXPECT_EQ(store_->ListBackups(deleted)->front().name, "g");
  EXPECT_EQ(store_->ListBackups({})->size(), 2U);
}

TEST_F(ArchivesTest, AnInstanceIsAdoptedOnce) {
  InstanceRecord instance = *Creation("lost").instance;
  instance.state = "DELETED";
  instance.deleted_ms = 5;
  BackupRecord backup;
  backup.id = "bkp_1";
  backup.instance_id = instance.id;
  backup.organization = "acme";
  backup.name = "a";
  backup.state = "COMPLETED";
  ArchiveRecord archive;
  archive.instance_id = instance.id;
  archive.organization = "acme";
  archive.store = "main";
  EXPECT_TRUE(*store_->Adopt(instance, {backup}, archive));
  EXPECT_FALSE(*store_->Adopt(instance, {backup}, archive));
  EXPECT_EQ(store_->ListBackups({})->size(), 1U);
  EXPECT_EQ(store_->GetInstance(instance.id)->state, "DELETED");
  EXPECT_EQ(ToKeep(), Texts{});
}

}  // namespace
}  // namespace slipway::store
