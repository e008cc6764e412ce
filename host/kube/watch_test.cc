#include "kube/watch.h"

#include <gtest/gtest.h>

namespace slipway::kube {
namespace {

using Do = WatchStep::Do;

constexpr WatchTiming kTiming{
    .backoff_ms = 800, .backoff_cap_ms = 30'000, .absent_ms = 10'000, .healthy_ms = 5'000};

WatchMachine Watching(int64_t now_ms = 0) {
  WatchMachine machine(kTiming);
  machine.Start();
  machine.OnPage("10", "");
  machine.OnWatchStarted(now_ms);
  return machine;
}

TEST(WatchMachine, ListsAllPagesThenWatchesFromTheListsVersion) {
  WatchMachine machine(kTiming);
  EXPECT_EQ(machine.Start().what, Do::kList);
  WatchStep step = machine.OnPage("10", "page2");
  EXPECT_EQ(step.what, Do::kList);
  EXPECT_FALSE(step.commit);
  EXPECT_FALSE(step.start_over);
  EXPECT_EQ(machine.phase(), WatchPhase::kListing);
  EXPECT_EQ(machine.page(), "page2");
  step = machine.OnPage("10", "");
  EXPECT_EQ(step.what, Do::kWatch);
  EXPECT_TRUE(step.commit);
  EXPECT_EQ(machine.phase(), WatchPhase::kListed);
  EXPECT_EQ(machine.resource_version(), "10");
  machine.OnWatchStarted(0);
  EXPECT_EQ(machine.phase(), WatchPhase::kWatching);
}

TEST(WatchMachine, AnExpiredPageStartsTheListOver) {
  WatchMachine machine(kTiming);
  machine.OnPage("10", "page2");
  const WatchStep step = machine.OnListFailed({Code::kGone, "Expired", ""});
  EXPECT_TRUE(step.start_over);
  EXPECT_EQ(step.delay_ms, 0);
  EXPECT_EQ(machine.page(), "");
  EXPECT_EQ(machine.phase(), WatchPhase::kEmpty);
  machine.OnPage("10", "page2");
  EXPECT_GT(machine.OnListFailed({Code::kGone, "Expired", ""}).delay_ms, 0)
      << "not in a hurry the second time";
}

TEST(WatchMachine, APageThatFailsForNowIsAskedForAgain) {
  WatchMachine machine(kTiming);
  machine.OnPage("10", "page2");
  const WatchStep step = machine.OnListFailed({Code::kUnavailable, "Http503", ""});
  EXPECT_FALSE(step.start_over);
  EXPECT_EQ(machine.page(), "page2");
  EXPECT_GE(step.delay_ms, 400);
  EXPECT_LE(step.delay_ms, 800);
}

TEST(WatchMachine, AKindThatIsNotServedIsLookedForNowAndThen) {
  WatchMachine machine(kTiming);
  for (int i = 0; i < 20; ++i) {
    const WatchStep step = machine.OnListFailed({Code::kNotFound, "KindNotFound", ""});
    EXPECT_TRUE(step.absent);
    EXPECT_GE(step.delay_ms, 8'000);
    EXPECT_LE(step.delay_ms, 12'000);
  }
}

TEST(WatchMachine, ADroppedWatchResumesFromTheLastVersionSeen) {
  WatchMachine machine = Watching();
  EXPECT_TRUE(machine.OnProgress("11"));
  EXPECT_FALSE(machine.OnProgress("11"));
  const WatchStep step = machine.OnWatchEnded(WatchEnd::kLost, 100);
  EXPECT_EQ(step.what, Do::kWatch);
  EXPECT_EQ(step.delay_ms, 0);
  EXPECT_EQ(machine.resource_version(), "11");
  EXPECT_EQ(machine.phase(), WatchPhase::kListed);
}

TEST(WatchMachine, WatchesThatBringNothingBackOffToTheCeilingAndAGoodOneResetsThat) {
  WatchMachine machine = Watching();
  int64_t last = 0;
  for (int i = 0; i < 12; ++i) {
    machine.OnWatchStarted(0);
    last = machine.OnWatchEnded(WatchEnd::kClosed, 10).delay_ms;
    EXPECT_GE(last, 400);
    EXPECT_LE(last, 30'000);
  }
  EXPECT_GE(last, 15'000);
  machine.OnWatchStarted(0);
  EXPECT_EQ(machine.OnWatchEnded(WatchEnd::kClosed, 5'000).delay_ms, 0) << "it lived";
  machine.OnWatchStarted(0);
  EXPECT_LE(machine.OnWatchEnded(WatchEnd::kLost, 10).delay_ms, 800);
}

TEST(WatchMachine, AWindowThatIsGoneListsAgainFirstAtOnce) {
  WatchMachine machine = Watching();
  WatchStep step = machine.OnWatchEnded(WatchEnd::kGone, 10);
  EXPECT_EQ(step.what, Do::kList);
  EXPECT_TRUE(step.start_over);
  EXPECT_EQ(step.delay_ms, 0);
  EXPECT_EQ(machine.phase(), WatchPhase::kEmpty);
  machine.OnPage("20", "");
  machine.OnWatchStarted(0);
  EXPECT_GT(machine.OnWatchEnded(WatchEnd::kGone, 10).delay_ms, 0);
}

TEST(WatchMachine, ASilentWatchIsReplacedOnANewConnection) {
  WatchMachine machine = Watching();
  const WatchStep step = machine.OnWatchEnded(WatchEnd::kSilent, 90'000);
  EXPECT_EQ(step.what, Do::kWatch);
}

TEST(WatchMachine, ARefusalWaitsAsLongAsTheServerSays) {
  WatchMachine machine = Watching();
  EXPECT_GE(machine.OnWatchEnded(WatchEnd::kFailed, 10, 7'000).delay_ms, 7'000);
}

}  // namespace
}  // namespace slipway::kube
