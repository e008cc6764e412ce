// What lies in a host's store of an instance, and how it goes.
#include "pipeline/archives.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "pipeline/archive_keeper.h"
#include "pipeline/catalogue.h"
#include "pipeline/test_support.h"

namespace slipway::pipeline::testing {
namespace {

namespace fs = std::filesystem;

class ArchivesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "slipway-archives-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    world_ = std::make_unique<World>(directory_ + "/host");
    place_.name = "main";
    place_.is_default = true;
    place_.url = "file://" + directory_ + "/store";
  }

  void TearDown() override {
    world_.reset();
    fs::remove_all(directory_);
  }

  ArchiveKeeper Keeper() {
    return ArchiveKeeper({place_}, *world_->store, world_->clock, world_->log, world_->metrics);
  }

  store::InstanceRecord Instance(const std::string& id) const {
    store::InstanceRecord out;
    out.id = id;
    out.organization = "acme";
    out.project = "shop";
    out.name = "orders";
    out.ns = "acme-shop";
    out.database_type = "FAKE";
    out.tier = "FREE";
    out.engine = "fake";
    out.seed = "00112233";
    out.created_ms = 1000;
    out.spec =
        Json::Obj({{"tier", "FREE"},
                   {"backup", *WithStore(Json::MakeObject(), {place_}, "acme", id, "orders")}})
            .Dump();
    out.outputs =
        R"({"window":{"supported":true,"windows":[{"from_ms":1,"to_ms":2,"open":true}]}})";
    return out;
  }

  store::BackupRecord Backup(const std::string& of, const std::string& name) const {
    store::BackupRecord out;
    out.id = "bkp_" + name;
    out.instance_id = of;
    out.organization = "acme";
    out.name = name;
    out.type = "FULL";
    out.trigger = "REQUEST";
    out.state = "COMPLETED";
    out.reference = "20261130T010203";
    out.size_bytes = 7;
    out.created_ms = 2000;
    return out;
  }

  // A deleted instance with files in its folder, as the store knows it.
  store::ArchiveRecord Deleted(const std::string& id, int64_t expires_ms) {
    store::InstanceRecord instance = Instance(id);
    instance.state = "DELETED";
    instance.deleted_ms = world_->clock.NowMs();
    store::ArchiveRecord archive = *ArchiveOf(instance);
    archive.expires_ms = expires_ms;
    EXPECT_TRUE(*world_->store->Adopt(instance, {Backup(id, "a" + id)}, archive));
    Write(id, "server/base/1/data.tar");
    Write(id, "server/wals/0001/00000001");
    Write(id, kManifestName, ManifestText({instance, {Backup(id, "a" + id)}, expires_ms}));
    return *Archive(id);
  }

  std::optional<store::ArchiveRecord> Archive(const std::string& id) {
    return *world_->store->Archive(id);
  }

  fs::path Folder(const std::string& id) const { return directory_ + "/store/acme/" + id; }

  void Write(const std::string& id, const std::string& name, const std::string& text = "x") const {
    const fs::path path = Folder(id) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  std::string ManifestOf(const std::string& id) const {
    std::ifstream in(Folder(id) / kManifestName);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string directory_;
  std::unique_ptr<World> world_;
  BackupStore place_;
};

TEST_F(ArchivesTest, WhatADeleteKeepsIsAsTheStoreSays) {
  const store::InstanceRecord instance = Instance("ins_1");
  EXPECT_EQ(KeptAfterDeleteMs(instance, {place_}), 30LL * 24 * 3600 * 1000);
  place_.keep_deleted_ms = 0;
  EXPECT_EQ(KeptAfterDeleteMs(instance, {place_}), 0) << "then a final backup is of no use";
}

TEST_F(ArchivesTest, AManifestTellsAllThatARestoreNeeds) {
  const Manifest written{Instance("ins_1"), {Backup("ins_1", "a")}, 77};
  const auto read = ReadManifest(ManifestText(written));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(ManifestText(*read), ManifestText(written));
  EXPECT_EQ(read->expires_ms, 77);
  EXPECT_EQ(read->instance.spec, written.instance.spec);
  EXPECT_EQ(read->instance.seed, "00112233");
  EXPECT_EQ(read->backups.at(0).reference, "20261130T010203");
  EXPECT_EQ(read->backups.at(0).organization, "acme");
  for (const char* bad : {"", "{", "{}", R"({"kind":"Other","version":1})",
                          R"({"kind":"SlipwayManifest","version":2})",
                          R"({"kind":"SlipwayManifest","version":1,"instance":{}})"}) {
    const auto refused = ReadManifest(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().reason, "NoManifest");
  }
}

TEST_F(ArchivesTest, TheExpiryFollowsFromTheDeleteAndTheStore) {
  place_.keep_deleted_ms = 500;
  const store::InstanceRecord instance = Instance("ins_1");
  store::OperationRecord operation;
  operation.verb = "delete";
  const auto expiry = [&] { return ArchiveExpiry(operation, instance, {place_}, 1000); };
  EXPECT_EQ(expiry(), 1500);
  operation.arguments = R"({"retain_backups":true})";
  EXPECT_EQ(expiry(), 1500);
  operation.arguments = R"({"retain_backups":false})";
  EXPECT_EQ(expiry(), 1000);
  operation.arguments = "{}";
  operation.verb = "create";
  EXPECT_EQ(expiry(), 1000) << "it never came to be";
  operation.verb = "delete";
  EXPECT_EQ(ArchiveExpiry(operation, instance, {}, 1000), 1000 + 30LL * 24 * 3'600'000)
      << "a store that is no longer configured";
}

TEST_F(ArchivesTest, AnExpiredFolderGoesAndNoOtherDoes) {
  Deleted("ins_1", world_->clock.NowMs());
  Deleted("ins_2", world_->clock.NowMs() + 1000);
  Deleted("ins_3", 0);
  ArchiveKeeper keeper = Keeper();
  while (keeper.Round()) {
  }
  EXPECT_FALSE(fs::exists(Folder("ins_1")));
  EXPECT_TRUE(fs::exists(Folder("ins_2") / "server/base/1/data.tar"));
  EXPECT_TRUE(fs::exists(Folder("ins_3") / "server/base/1/data.tar"));
  EXPECT_NE(Archive("ins_1")->gone_ms, 0);
  EXPECT_EQ(world_->store->ListBackups({})->size(), 2U);
  world_->clock.Advance(1000);
  while (keeper.Round()) {
  }
  EXPECT_FALSE(fs::exists(Folder("ins_2")));
  EXPECT_TRUE(fs::exists(Folder("ins_3")));
}

TEST_F(ArchivesTest, NothingIsRemovedThatIsNotOursByPathAndManifest) {
  const int64_t now = world_->clock.NowMs();
  Deleted("ins_1", now);
  Write("ins_1", kManifestName, ManifestText({Instance("ins_9"), {}, 0}));
  Deleted("ins_2", now);
  Write("ins_2", kManifestName, "not one of ours");
  Deleted("ins_3", now);
  fs::remove(Folder("ins_3") / kManifestName);
  ArchiveKeeper keeper = Keeper();
  keeper.Round();
  for (const char* id : {"ins_1", "ins_2", "ins_3"}) {
    EXPECT_TRUE(fs::exists(Folder(id) / "server/base/1/data.tar")) << id;
    EXPECT_EQ(Archive(id)->gone_ms, 0) << id;
  }
  Deleted("ins_4", now);
  place_.url += "/elsewhere";
  ArchiveKeeper moved = Keeper();
  moved.Round();
  EXPECT_TRUE(fs::exists(Folder("ins_4") / "server/base/1/data.tar"));
}

TEST_F(ArchivesTest, ARemovalThatWasInterruptedGoesOn) {
  Deleted("ins_1", world_->clock.NowMs());
  ASSERT_TRUE(*world_->store->BeginRemoval("ins_1"));
  fs::remove_all(Folder("ins_1") / "server/base");
  world_->Restart();
  ArchiveKeeper keeper = Keeper();
  keeper.Round();
  EXPECT_FALSE(fs::exists(Folder("ins_1")));
  EXPECT_NE(Archive("ins_1")->gone_ms, 0);
  // Killed after the last object was deleted, and before the record of it.
  Deleted("ins_2", world_->clock.NowMs());
  fs::remove_all(Folder("ins_2"));
  keeper.Round();
  EXPECT_NE(Archive("ins_2")->gone_ms, 0);
}

TEST_F(ArchivesTest, AStoreThatIsAwayIsTriedAgain) {
  Deleted("ins_1", world_->clock.NowMs());
  const fs::path store = directory_ + "/store";
  fs::rename(store, directory_ + "/away");
  std::ofstream(store) << "no directory";
  ArchiveKeeper keeper = Keeper();
  EXPECT_FALSE(keeper.Round());
  EXPECT_EQ(Archive("ins_1")->gone_ms, 0);
  fs::remove(store);
  fs::rename(directory_ + "/away", store);
  keeper.Round();
  EXPECT_NE(Archive("ins_1")->gone_ms, 0);
}

TEST_F(ArchivesTest, OneThatCannotBeKeptHoldsNoOtherUp) {
  const int64_t now = world_->clock.NowMs();
  Deleted("ins_1", now);
  Write("ins_1", kManifestName, std::string(kLargestManifest + 1, 'x'));
  for (int i = 0; i < 501; ++i) {  // more than one page of folders in a store that has moved
    store::InstanceRecord instance = Instance("ins_2" + std::to_string(1000 + i));
    instance.deleted_ms = now;
    store::ArchiveRecord archive = *ArchiveOf(instance);
    archive.folder += "-elsewhere";
    archive.expires_ms = now;
    ASSERT_TRUE(*world_->store->Adopt(instance, {}, archive));
  }
  Deleted("ins_3", now);
  ArchiveKeeper keeper = Keeper();
  keeper.Round();
  EXPECT_TRUE(fs::exists(Folder("ins_1") / "server/base/1/data.tar"));
  EXPECT_FALSE(fs::exists(Folder("ins_3")));
}

TEST_F(ArchivesTest, AHostWithoutItsDatabaseFindsTheInstancesInTheStore) {
  const store::ArchiveRecord kept = Deleted("ins_1", world_->clock.NowMs() + 1000);
  {
    Write("ins_1", kManifestName,
          ManifestText({*world_->store->GetInstance("ins_1"),
                        {Backup("ins_1", "a"), Backup("ins_1", "b")},
                        kept.expires_ms}));
    Write("ins_2", kManifestName, ManifestText({Instance("ins_2"), {Backup("ins_2", "c")}, 5}));
    Write("ins_3", kManifestName, ManifestText({Instance("ins_9"), {}, 0}));
    Write("ins_4", kManifestName, "{");
    Write("ins_5", "server/base/1/data.tar");
    Write("ins_6", kManifestName, ManifestText({Instance("ins_6"), {Backup("ins_6", "a")}, 0}));
    Write("ins_7", kManifestName, std::string(kLargestManifest + 1, 'x'));
    store::InstanceRecord elsewhere = Instance("ins_8");
    elsewhere.organization = "x/acme";  // so that its folder ends like this one
    Write("ins_8", kManifestName, ManifestText({elsewhere, {}, 0}));
  }
  World fresh(directory_ + "/second");
  const auto bucket = OpenStore(place_, {});
  ASSERT_TRUE(bucket);
  BackupStore renamed = place_;
  renamed.name = "new";
  for (const size_t found : {size_t{2}, size_t{0}}) {
    const auto adopted = AdoptArchives(renamed, **bucket, *fresh.store, fresh.clock.NowMs());
    ASSERT_TRUE(adopted) << adopted.error().message;
    EXPECT_EQ(adopted->instances, found);
    EXPECT_EQ(adopted->backups, found == 2 ? 3U : 0U);
    EXPECT_EQ(adopted->known, 2 - found);
    EXPECT_EQ(adopted->refused.size(), 5U)
        << "3: another's, 4: damaged, 6: a backup of ins_1, 7: too large, 8: another's";
  }
  EXPECT_EQ((*fresh.store->Archive("ins_1"))->expires_ms, kept.expires_ms);
  EXPECT_EQ((*fresh.store->Archive("ins_2"))->expires_ms, 0) << "its database may still archive";
  const store::InstanceRecord second = *fresh.store->GetInstance("ins_2");
  EXPECT_EQ(second.state, "DELETED");
  EXPECT_NE(second.deleted_ms, 0);
  EXPECT_EQ((*Json::Parse(second.spec))["backup"]["store"].AsString(), "new");
  EXPECT_EQ((*fresh.store->Archive("ins_2"))->store, "new");
}

}  // namespace
}  // namespace slipway::pipeline::testing
