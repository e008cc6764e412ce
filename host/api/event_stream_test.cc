#include "api/event_stream.h"

#include <gtest/gtest.h>

namespace slipway::api {
namespace {

using store::OperationState;

class FakeStream final : public http::Stream {
 public:
  bool Write(std::string_view data) override {
    if (refuse) return false;
    text.append(data);
    return true;
  }

  void Close() override { closed_ = true; }

  void Abort() override { closed_ = true; }

  bool closed() const override { return closed_; }

  std::string text;
  bool refuse = false;

 private:
  bool closed_ = false;
};

// A hub without its thread: the test calls Poll for each round.
class EventHubTest : public testing::Test {
 protected:
  void Store(const std::string& type) {
    events_.push_back(
        {static_cast<int64_t>(events_.size()) + 1, "op_1", 1'790'000'000'000, type, "{}"});
    hub_.Notify("op_1");
  }

  std::shared_ptr<FakeStream> Open(int64_t after) {
    auto stream = std::make_shared<FakeStream>();
    EXPECT_TRUE(hub_.Reserve());
    hub_.AddStream("op_1", stream, after);
    return stream;
  }

  ManualClock clock_;
  store::OperationRecord operation_;
  std::vector<store::EventRecord> events_;
  bool broken_ = false;
  EventHub hub_{{[this](const std::string&) -> Result<store::OperationRecord> {
                   if (broken_) return Error{Code::kUnavailable, "StoreBusy", ""};
                   return operation_;
                 },
                 [this](const std::string&, int64_t after,
                        size_t limit) -> Result<std::vector<store::EventRecord>> {
                   std::vector<store::EventRecord> out;
                   for (const auto& event : events_) {
                     if (event.seq > after && out.size() < limit) out.push_back(event);
                   }
                   return out;
                 }},
                clock_,
                15'000,
                2};
};

TEST_F(EventHubTest, SendsStoredEventsThenNewOnesThenDone) {
  Store("operation.created");
  const auto stream = Open(0);
  hub_.Poll();
  EXPECT_NE(stream->text.find("id: 1\nevent: operation.created\ndata: {"), std::string::npos);
  stream->text.clear();
  Store("stage.started");
  hub_.Poll();
  EXPECT_NE(stream->text.find("id: 2\nevent: stage.started\n"), std::string::npos);
  operation_.state = OperationState::kSucceeded;
  Store("operation.succeeded");
  hub_.Poll();
  const size_t last = stream->text.find("id: 3\n"), done = stream->text.find("event: done\n");
  EXPECT_LT(last, done);
  EXPECT_NE(done, std::string::npos);
  EXPECT_TRUE(stream->closed());
  EXPECT_EQ(hub_.subscribers(), 0u);
}

TEST_F(EventHubTest, ResumesAfterTheLastSeenEvent) {
  for (int i = 0; i < 5; ++i) Store("stage.waiting");
  const auto stream = Open(3);
  hub_.Poll();
  EXPECT_EQ(stream->text.find("id: 3\n"), std::string::npos);
  EXPECT_NE(stream->text.find("id: 4\n"), std::string::npos);
  EXPECT_NE(stream->text.find("id: 5\n"), std::string::npos);
}

TEST_F(EventHubTest, ALongJournalIsSentWhole) {
  for (int i = 0; i < 450; ++i) Store("stage.waiting");
  const auto stream = Open(0);
  hub_.Poll();
  EXPECT_NE(stream->text.find("id: 450\n"), std::string::npos);
}

TEST_F(EventHubTest, BeatsWhenNothingHappens) {
  const auto stream = Open(0);
  hub_.Poll();
  EXPECT_EQ(stream->text, "");
  clock_.Advance(14'999);
  EXPECT_EQ(hub_.Poll(), 1);
  EXPECT_EQ(stream->text, "");
  clock_.Advance(1);
  hub_.Poll();
  EXPECT_EQ(stream->text, ": hb\n\n");
}

TEST_F(EventHubTest, WhatCouldNotBeReadComesWithTheNextBeat) {
  const auto stream = Open(0);
  broken_ = true;
  Store("stage.started");
  hub_.Poll();
  EXPECT_EQ(stream->text, "");
  broken_ = false;
  clock_.Advance(15'000);
  hub_.Poll();
  EXPECT_NE(stream->text.find("event: stage.started"), std::string::npos);
}

TEST_F(EventHubTest, ASlowReaderIsDropped) {
  const auto stream = Open(0);
  stream->refuse = true;
  Store("stage.started");
  hub_.Poll();
  EXPECT_EQ(hub_.subscribers(), 0u);
}

TEST_F(EventHubTest, PlacesAreBounded) {
  EXPECT_TRUE(hub_.Reserve());
  EXPECT_TRUE(hub_.Reserve());
  EXPECT_FALSE(hub_.Reserve());
  hub_.Release();
  EXPECT_TRUE(hub_.Reserve());
}

TEST_F(EventHubTest, ALongPollAnswersOnceWhenTheOperationIsOver) {
  int answers = 0;
  ASSERT_TRUE(hub_.Reserve());
  hub_.AddWaiter("op_1", clock_.SteadyMs() + 30'000, nullptr, [&](const auto&) { ++answers; });
  hub_.Poll();
  Store("stage.started");
  hub_.Poll();
  EXPECT_EQ(answers, 0);
  operation_.state = OperationState::kFailed;
  Store("operation.failed");
  hub_.Poll();
  hub_.Poll();
  EXPECT_EQ(answers, 1);
}

TEST_F(EventHubTest, ALongPollAnswersAtItsDeadlineAndForABlockedOperation) {
  int answers = 0;
  ASSERT_TRUE(hub_.Reserve());
  hub_.AddWaiter("op_1", clock_.SteadyMs() + 1000, nullptr, [&](const auto&) { ++answers; });
  hub_.Poll();
  clock_.Advance(1000);
  hub_.Poll();
  EXPECT_EQ(answers, 1);
  operation_.state = OperationState::kBlocked;
  ASSERT_TRUE(hub_.Reserve());
  hub_.AddWaiter("op_1", clock_.SteadyMs() + 1000, nullptr, [&](const auto&) { ++answers; });
  hub_.Poll();
  EXPECT_EQ(answers, 2);
}

TEST_F(EventHubTest, ALongPollWhoseClientLeftIsForgotten) {
  int answers = 0;
  ASSERT_TRUE(hub_.Reserve());
  hub_.AddWaiter(
      "op_1", clock_.SteadyMs() + 1000, [] { return true; }, [&](const auto&) { ++answers; });
  hub_.Poll();
  EXPECT_EQ(answers, 0);
  EXPECT_EQ(hub_.subscribers(), 0u);
}

TEST_F(EventHubTest, DrainingSendsEveryoneAway) {
  const auto stream = Open(0);
  int answers = 0;
  ASSERT_TRUE(hub_.Reserve());
  hub_.AddWaiter("op_1", clock_.SteadyMs() + 30'000, nullptr, [&](const auto&) { ++answers; });
  hub_.SetDraining();
  hub_.Poll();
  EXPECT_NE(stream->text.find("event: goaway\n"), std::string::npos);
  EXPECT_TRUE(stream->closed());
  EXPECT_EQ(answers, 1);
  EXPECT_FALSE(hub_.Reserve());
}

}  // namespace
}  // namespace slipway::api
