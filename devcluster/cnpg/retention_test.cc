#include "devcluster/cnpg/retention.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "devcluster/cnpg/archive_scripts.h"

namespace slipway::sim::operators::cnpg {
namespace {

constexpr int64_t kDay = 86'400'000;

BaseBackup Base(const std::string& id, int64_t end_day, const std::string& wal,
                const std::string& end_lsn = "0/0", int64_t timeline = 1) {
  BaseBackup out;
  out.id = id;
  out.end_ms = end_day * kDay;
  out.begin_wal = wal;
  out.end_lsn = end_lsn;
  out.timeline = timeline;
  return out;
}

const std::string kWal1 = "000000010000000000000001", kWal5 = "000000010000000000000005",
                  kWal9 = "000000020000000000000009";

TEST(Retention, KeepsTheBaseThatTheWindowBeginsWith) {
  const std::vector<BaseBackup> bases{Base("a", 10, kWal1), Base("b", 20, kWal5),
                                      Base("c", 30, kWal9)};

  struct Row {
    int64_t today, days;
    std::vector<std::string> gone;
    std::string first;
  };

  const Row rows[] = {
      {31, 30, {}, "0000000000000001"},         // the window begins before the first base
      {31, 11, {"a"}, "0000000000000005"},      // it begins at the end of b
      {31, 12, {}, "0000000000000001"},         // between a and b: it needs a
      {31, 1, {"a", "b"}, "0000000000000009"},  // it begins at the end of c
      {99, 1, {"a", "b"}, "0000000000000009"},  // the last base always stays
      {31, 0, {}, ""},                          // no policy
  };
  for (const Row& row : rows) {
    const Retention got = WhatToRemove(bases, row.today * kDay, row.days * kDay);
    EXPECT_EQ(got.bases, row.gone) << row.today << "/" << row.days;
    EXPECT_EQ(got.first_segment, row.first) << row.today << "/" << row.days;
  }
  EXPECT_EQ(WhatToRemove({}, kDay, kDay).first_segment, "");
  // When we do not know the WAL that a base needs, all segments stay.
  EXPECT_EQ(WhatToRemove({Base("a", 1, "")}, 9 * kDay, kDay).first_segment, "");
}

TEST(Retention, RemovesSegmentsBeforeTheFirstOnEveryTimeline) {
  const std::string first = "0000000000000005";
  for (const char* gone :
       {"000000010000000000000004", "000000020000000000000004", "000000010000000000000004.partial",
        "000000010000000000000003.00000028.backup"})
    EXPECT_TRUE(BeforeSegment(gone, first)) << gone;
  for (const char* kept : {"000000010000000000000005", "000000010000000000000006",
                           "000000010000000100000000", "00000002.history"})
    EXPECT_FALSE(BeforeSegment(kept, first)) << kept;
  EXPECT_FALSE(BeforeSegment("000000010000000000000004", ""));
}

TEST(Retention, ReadsPolicies) {
  EXPECT_EQ(RetentionWindow("30d"), 30 * kDay);
  EXPECT_EQ(RetentionWindow("2w"), 14 * kDay);
  EXPECT_EQ(RetentionWindow("1m"), 31 * kDay);
  EXPECT_EQ(RetentionWindow(""), 0);
}

TEST(ChooseBase, TakesTheLatestBeforeTheTarget) {
  const std::vector<BaseBackup> bases{Base("a", 10, kWal1, "0/1000"),
                                      Base("b", 20, kWal5, "0/5000"),
                                      Base("c", 30, kWal9, "0/9000", 2)};
  const auto choose = [&](const RecoveryTarget& target) {
    auto base = ChooseBase(bases, target);
    return base ? base->id : base.error().message;
  };
  RecoveryTarget target;
  EXPECT_EQ(choose(target), "c");
  target.timeline = "1";
  EXPECT_EQ(choose(target), "b");
  target = {};
  target.time = "1970-01-21T00:00:00Z";  // exactly the end of b
  EXPECT_EQ(choose(target), "b");
  target.time = "1970-01-20T23:59:59.999Z";
  EXPECT_EQ(choose(target), "a");
  target.time = "1970-01-10 12:00:00";
  EXPECT_EQ(choose(target), "no target backup found");
  target = {};
  target.lsn = "0/5000";  // a base must end before the target
  EXPECT_EQ(choose(target), "a");
  target.lsn = "0/5001";
  EXPECT_EQ(choose(target), "b");
  target = {};
  target.backup_id = "a";
  EXPECT_EQ(choose(target), "a");
  target.backup_id = "x";
  EXPECT_EQ(choose(target), "no backup found with ID x");
}

TEST(TargetTime, IsReadInBothForms) {
  const int64_t noon = ParseTargetTime("2026-11-22T12:00:00Z");
  EXPECT_GT(noon, 0);
  for (const char* same :
       {"2026-11-22 12:00:00", "2026-11-22 12:00:00.000000", "2026-11-22 14:00:00+02",
        "2026-11-22 08:30:00-03:30", "2026-11-22T13:00:00.0+01:00"})
    EXPECT_EQ(ParseTargetTime(same), noon) << same;
  EXPECT_EQ(ParseTargetTime("2026-11-22 12:00:00.5"), noon + 500);
  EXPECT_LT(ParseTargetTime("tomorrow"), 0);
  EXPECT_EQ(TargetTimeWithZone("2026-11-22 12:00:00"), "2026-11-22 12:00:00+00");
  EXPECT_EQ(TargetTimeWithZone("2026-11-22 12:00:00-03"), "2026-11-22 12:00:00-03");
  EXPECT_EQ(TargetTimeWithZone("2026-11-22T12:00:00.5Z"), "2026-11-22T12:00:00.5+00");
}

TEST(Segments, AreNamedAsPostgresNamesThem) {
  constexpr uint64_t kMega = 1 << 20;
  EXPECT_EQ(SegmentAt(1, ParseLsn("0/600000"), kMega), "000000010000000000000006");
  EXPECT_EQ(SegmentBefore(1, ParseLsn("0/600000"), kMega), "000000010000000000000005");
  EXPECT_EQ(SegmentAt(10, ParseLsn("2/28"), kMega), "0000000A0000000200000000");
  EXPECT_EQ(SegmentAt(1, ParseLsn("0/6000028"), 16 * kMega), "000000010000000000000006");
  EXPECT_EQ(ArchivedPath("00000002.history"), "wals/00000002.history");
  EXPECT_EQ(ArchivedPath(kWal1), "wals/0000000100000000/" + kWal1);
}

// Calls the archiver's script as PostgreSQL does.
class ArchiveScriptTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/slipway-script-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory = name;
    std::filesystem::create_directories(directory + "/pgdata/pg_wal");
    std::filesystem::create_directories(Store());
  }

  void TearDown() override { std::filesystem::remove_all(directory); }

  std::string Store() const { return directory + "/a 'store' $(touch nowhere)"; }

  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }

  bool Archive(const std::string& contents) {
    ArchiveScript script;
    script.store = Store();
    script.server = "x";
    Write(directory + "/archive", ArchiveText(script));
    Write(directory + "/pgdata/pg_wal/" + kWal1, contents);
    const std::string command = "cd " + ShellQuoted(directory) +
                                "/pgdata && /bin/sh ../archive pg_wal/" + kWal1 + " " + kWal1 +
                                " 2>/dev/null";
    return std::system(command.c_str()) == 0;
  }

  std::string directory;
};

TEST_F(ArchiveScriptTest, TakesTheSameFileTwiceAndNoOtherInItsPlace) {
  EXPECT_TRUE(Archive("one"));
  EXPECT_TRUE(Archive("one"));
  EXPECT_FALSE(Archive("two"));
  std::ifstream in(Store() + "/x/" + ArchivedPath(kWal1));
  std::string text;
  in >> text;
  EXPECT_EQ(text, "one");
  EXPECT_FALSE(std::filesystem::exists(directory + "/pgdata/nowhere"));
}

TEST_F(ArchiveScriptTest, ChecksOnlyOnceThatTheArchiveIsEmpty) {
  Write(directory + "/" + kCheckEmpty, "");
  std::filesystem::create_directories(Store() + "/x/wals/0000000100000000");
  EXPECT_FALSE(Archive("one"));
  EXPECT_FALSE(Archive("one"));
  std::filesystem::remove_all(Store() + "/x/wals/0000000100000000");  // an empty wals/ is no data
  EXPECT_TRUE(Archive("one"));
  EXPECT_TRUE(Archive("one"));
}

}  // namespace
}  // namespace slipway::sim::operators::cnpg
