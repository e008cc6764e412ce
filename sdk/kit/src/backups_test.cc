#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <slipway/kit/backups.h>

namespace slipway::kit {
namespace {

BackupRecord Backup(const std::string& id, int64_t asked_ms) {
  BackupRecord out;
  out.id = id;
  out.type = "FULL";
  out.trigger = "REQUEST";
  out.state = "PENDING";
  out.asked_ms = asked_ms;
  return out;
}

TEST(BackupsOutput, HasTheNewestFirstAndNoMoreThanTheSchemaAllows) {
  std::vector<BackupRecord> backups;
  for (int i = 0; i < 250; ++i) backups.push_back(Backup("b" + std::to_string(i), 1000 + i));
  backups.push_back(Backup("same", 1249));
  Order(backups);
  const Json out = BackupsOutput(backups);
  ASSERT_EQ(out.items().size(), kMostBackups);
  EXPECT_EQ(out.items()[0]["id"].AsString(), "same");
  EXPECT_EQ(out.items()[1]["id"].AsString(), "b249");
  EXPECT_EQ(out.items()[199]["id"].AsString(), "b51");
}

TEST(BackupRecord, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(Backup("b", 5).ToJson().Dump(),
            R"({"id":"b","type":"FULL","trigger":"REQUEST","state":"PENDING"})");
  BackupRecord full = Backup("b", 5);
  full.started_ms = 1;
  full.finished_ms = 2;
  full.position = "0/1";
  full.engine_version = "18";
  full.reference = "r";
  full.error = std::string(5000, 'x');
  const Json out = full.ToJson();
  EXPECT_EQ(out["finished_ms"].AsInt(), 2);
  EXPECT_EQ(out["error"].AsString().size(), 1024U);
  EXPECT_FALSE(out.Has("asked_ms"));
}

TEST(Shortened, CutsBetweenTwoCharacters) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcd", 3), "abc");
  EXPECT_EQ(Shortened("ab\xc3\xa4", 3), "ab");
  EXPECT_EQ(Shortened("ab\xc3\xa4z", 4), "ab\xc3\xa4");
}

TEST(RecoveryWindow, IsEmptyWithoutABackup) {
  EXPECT_EQ(RecoveryWindow().ToJson().Dump(),
            R"({"supported":true,"windows":[],"gaps":[],"confidence":"OBSERVED"})");
  RecoveryWindow half;
  half.from_ms = 5;
  half.archiving = "HEALTHY";
  EXPECT_TRUE(half.ToJson()["windows"].items().empty());
  EXPECT_FALSE(half.ToJson().Has("latest_ms"));
}

TEST(RecoveryWindow, IsOpenAsLongAsTheArchiveGoesOn) {
  RecoveryWindow window{.from_ms = 10, .to_ms = 20, .archiving = "HEALTHY", .last_backup_ms = 20};
  EXPECT_EQ(window.ToJson()["windows"].Dump(), R"([{"from_ms":10,"to_ms":20,"open":true}])");
  EXPECT_EQ(window.ToJson()["latest_ms"].AsInt(), 20);
  window.archiving = "FAILING";
  window.archive_error = "no space";
  EXPECT_EQ(window.ToJson()["windows"].Dump(), R"([{"from_ms":10,"to_ms":20}])");
  EXPECT_EQ(window.ToJson()["archive_error"].AsString(), "no space");
}

TEST(RecoveryWindow, HasNoEndBeforeItsBegin) {
  const RecoveryWindow window{.from_ms = 11, .to_ms = 10};
  EXPECT_EQ(window.ToJson()["windows"].Dump(), R"([{"from_ms":11,"to_ms":11}])");
  EXPECT_EQ(window.ToJson()["latest_ms"].AsInt(), 11);
}

}  // namespace
}  // namespace slipway::kit
