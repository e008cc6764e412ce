#include <gtest/gtest.h>

#include <slipway/kit/time.h>

namespace slipway::kit {
namespace {

TEST(TimeMs, ReadsWhatKubernetesAndUsersWrite) {
  EXPECT_EQ(TimeMs("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(TimeMs("2026-09-21T14:13:20Z"), 1790000000000);
  EXPECT_EQ(TimeMs("2026-09-21T14:13:20.25Z"), 1790000000250);
  EXPECT_EQ(TimeMs("2026-09-21T14:13:20.123456Z"), 1790000000123);
  EXPECT_EQ(TimeMs("2026-09-21T16:13:20+02:00"), 1790000000000);
  EXPECT_EQ(TimeMs("2026-09-21T08:43:20-05:30"), 1790000000000);
  EXPECT_EQ(TimeMs("2028-02-29T00:00:00Z"), 1835395200000);
}

TEST(MicroTime, IsReadBackAsTheSameTime) {
  EXPECT_EQ(MicroTime(1790000000250), "2026-09-21T14:13:20.250000Z");
  EXPECT_EQ(MicroTime(0), "1970-01-01T00:00:00.000000Z");
  for (const int64_t ms : {int64_t{1}, int64_t{951782399999}, int64_t{1835395200000}})
    EXPECT_EQ(TimeMs(MicroTime(ms)), ms);
}

TEST(TimeMs, RefusesWhatIsNoTime) {
  for (const char* text : {"",
                           "2026",
                           "2026-09-21",
                           "2026-09-21 14:13:20Z",
                           "2026-09-21T14:13:20",
                           "2026-13-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-09-21T24:00:00Z",
                           "2026-09-21T14:60:00Z",
                           "2026-09-21T14:13:60Z",
                           "2026-9-21T14:13:20Z",
                           "2026-09-21T14:13:20.Z",
                           "2026-09-21T14:13:20.1234567Z",
                           "2026-09-21T14:13:20z",
                           "2026-09-21t14:13:20Z",
                           "2026-09-21T14:13:20+2:00",
                           "2026-09-21T14:13:20+0200",
                           "2026-09-21T14:13:20Z ",
                           "1969-12-31T23:59:59Z",
                           "1970-01-01T00:00:00+01:00",
                           "yesterday",
                           "+026-09-21T14:13:20Z"})
    EXPECT_EQ(TimeMs(text), std::nullopt) << text;
}

}  // namespace
}  // namespace slipway::kit
