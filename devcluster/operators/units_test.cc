#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "devcluster/operators/cron.h"
#include "devcluster/operators/work_queue.h"

namespace slipway::sim::operators {
namespace {

TEST(Schedule, FindsTheNextTime) {
  const int64_t now = ParseTime("2026-11-23T11:21:16Z");
  const auto next = [&](const char* schedule) {
    const int64_t at = NextSchedule(schedule, now);
    return at < 0 ? std::string("never") : FormatSeconds(at);
  };
  EXPECT_EQ(next("0 30 2 * * *"), "2026-11-24T02:30:00Z");
  EXPECT_EQ(next("0 0 1 * * *"), "2026-11-24T01:00:00Z");
  EXPECT_EQ(next("*/15 * * * *"), "2026-11-23T11:30:00Z");
  EXPECT_EQ(next("@monthly"), "2026-12-01T00:00:00Z");
  EXPECT_EQ(next("nonsense"), "never");
}

TEST(WorkQueue, RunsAKeyOnceAtATimeAndAgainWhenAskedMeanwhile) {
  const SystemClock clock;
  std::mutex mutex;
  std::condition_variable done;
  int runs = 0, inside = 0, most = 0;
  WorkQueue* self = nullptr;
  WorkQueue queue(3, clock, [&](const std::string& key) {
    std::unique_lock lock(mutex);
    most = std::max(most, ++inside);
    if (++runs < 3) self->Add(key);
    --inside;
    done.notify_all();
  });
  std::unique_lock lock(mutex);
  self = &queue;
  queue.Add("a");
  ASSERT_TRUE(done.wait_for(lock, std::chrono::seconds(10), [&] { return runs == 3; }));
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace slipway::sim::operators
