#include <atomic>
#include <set>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/metrics.h"

namespace slipway {
namespace {

TEST(Crypto, SealOpensOnlyWithSameKeyAndPlace) {
  const std::string key = RandomBytes(32);
  const std::string sealed = AesGcmSeal(key, "secret", "acme/ins_1/password");
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_EQ(*AesGcmOpen(key, sealed, "acme/ins_1/password"), "secret");
  EXPECT_FALSE(AesGcmOpen(key, sealed, "acme/ins_2/password"));
  EXPECT_FALSE(AesGcmOpen(RandomBytes(32), sealed, "acme/ins_1/password"));
  std::string flipped = sealed;
  flipped[14] = static_cast<char>(flipped[14] ^ 1);
  EXPECT_FALSE(AesGcmOpen(key, flipped, "acme/ins_1/password"));
  EXPECT_NE(AesGcmSeal(key, "secret", "a"), AesGcmSeal(key, "secret", "a")) << "nonce must differ";
}

TEST(Crypto, Base64RoundTripsAndRefusesJunk) {
  for (size_t n = 0; n < 40; ++n) {
    const std::string data = RandomBytes(n);
    EXPECT_EQ(*Base64Decode(Base64Encode(data)), data);
    EXPECT_EQ(*Base64UrlDecode(Base64UrlEncode(data)), data);
  }
  EXPECT_FALSE(Base64Decode("abc"));
  EXPECT_FALSE(Base64Decode("ab\n="));
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Ids, SortByTimeAndFitALabel) {
  ManualClock clock;
  const std::string first = NewId("ins", clock);
  clock.Advance(1);
  EXPECT_LT(first, NewId("ins", clock));
  EXPECT_LE(first.size(), 63u);
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) all.insert(NewId("ins", clock));
  EXPECT_EQ(all.size(), 1000u);
}

TEST(Ids, DnsLabelLimits) {
  EXPECT_TRUE(IsDnsLabel("a-1"));
  for (const char* bad : {"", "-a", "a-", "A", "a_b", "a.b"}) EXPECT_FALSE(IsDnsLabel(bad)) << bad;
  EXPECT_TRUE(IsDnsLabel(std::string(63, 'a')));
  EXPECT_FALSE(IsDnsLabel(std::string(64, 'a')));
}

TEST(Clock, TimesRoundTripAndNeedAZone) {
  EXPECT_EQ(FormatTime(ParseTime("2026-11-22T06:00:01.123Z")), "2026-11-22T06:00:01.123Z");
  EXPECT_EQ(FormatSeconds(ParseTime("2026-11-22T08:00:01+02:00")), "2026-11-22T06:00:01Z");
  EXPECT_EQ(ParseTime("2026-11-22T06:00:01"), -1);
  EXPECT_EQ(ParseTime("yesterday"), -1);
}

TEST(Executor, RunsAllThatItTookAndRefusesOverTheLimit) {
  std::atomic<int> ran{0};
  int taken = 0;
  {
    Executor pool("t", 2, 10);
    for (int i = 0; i < 1000; ++i) taken += pool.Post([&] { ++ran; }) ? 1 : 0;
  }
  EXPECT_EQ(ran, taken);
  EXPECT_GE(taken, 10);
}

TEST(Backoff, GrowsToItsCapAndObeysTheFloor) {
  const BackoffPolicy policy{100, 1000};
  for (int i = 0; i < 100; ++i) {
    EXPECT_LE(BackoffMs(policy, 0), 101);
    EXPECT_LE(BackoffMs(policy, 30), 1001);
    EXPECT_GE(BackoffMs(policy, 30), 500);
    EXPECT_GE(BackoffMs(policy, 0, 5000), 5000);
  }
}

TEST(Logger, OneLineCannotForgeAnother) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  ManualClock clock;
  Logger human(clock, pipe_fds[1], Logger::Format::kHuman, Logger::Level::kInfo);
  human.Info("x", {{"name", "a\nb=c"}, {"n", 1}});
  human.Debug("hidden");
  Logger json(clock, pipe_fds[1], Logger::Format::kJson, Logger::Level::kInfo);
  json.Warn("y", {{"name", "a\nb"}});
  char text[512];
  const auto n = ::read(pipe_fds[0], text, sizeof text);
  const std::string out(text, static_cast<size_t>(n));
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
  EXPECT_NE(out.find("name=\"a\\nb=c\""), std::string::npos) << out;
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
}

TEST(Metrics, TextHasValuesAndProcessFigures) {
  Metrics metrics;
  metrics.GetCounter("slipway_test_total", "help", {{"a", "b"}}).Add(2);
  metrics.GetHistogram("slipway_test_seconds", "help").Observe(0.2);
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("slipway_test_total{a=\"b\"} 2"), std::string::npos);
  EXPECT_NE(text.find("process_resident_memory_bytes"), std::string::npos);
}

}  // namespace
}  // namespace slipway
