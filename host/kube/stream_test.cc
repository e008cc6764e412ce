// Informers whose first objects come through the watch (sendInitialEvents).
#include <gtest/gtest.h>

#include "kube/informer_test_support.h"
#include "kube/watch.h"

namespace slipway::kube {
namespace {

constexpr const char* kEnd =
    R"({"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"20","annotations":{"k8s.io/initial-events-end":"true"}}}})";

bool IsStream(const ScriptedServer::Request& r) {
  return r.query.contains("sendInitialEvents");
}

class StreamTest : public InformerTest {
 protected:
  void Serve(ScriptedServer::Script script,
             const std::function<void(ClientOptions&)>& change = {}) {
    InformerTest::Serve(std::move(script), [change](ClientOptions& options) {
      options.watch_streams = true;
      if (change) change(options);
    });
  }

  std::atomic<int> streams_{0};
};

TEST_F(StreamTest, TakesInWhatThereIsAndGoesOnWithTheSameWatch) {
  Serve([this](const Request&, Connection& c) {
    c.BeginChunks();
    c.Chunk(EventLine("ADDED", ConfigMapJson("a", "3")) +
            EventLine("ADDED", ConfigMapJson("b", "1")) +
            EventLine("ADDED", ConfigMapJson("c", "2")));
    c.Chunk(EventLine("MODIFIED", ConfigMapJson("a", "19")) +
            EventLine("DELETED", ConfigMapJson("c", "20")));
    gate_.Wait();
    c.Chunk(std::string(kEnd) + "\n");
    c.Chunk(EventLine("ADDED", ConfigMapJson("d", "21")));
    c.Hang();
  });
  ASSERT_TRUE(server_->WaitFor(1, IsStream));
  EXPECT_FALSE(informer_->synced());
  gate_.Open();
  EXPECT_EQ(told_.Next(4), "+a3 +b1 ~a19 +d21 ");
  EXPECT_TRUE(informer_->synced());
  const Request stream = server_->requests().back();
  EXPECT_EQ(stream.query.at("resourceVersionMatch"), "NotOlderThan");
  EXPECT_EQ(stream.query.at("allowWatchBookmarks"), "true");
  EXPECT_FALSE(stream.query.contains("resourceVersion")) << "what there is now";
  EXPECT_EQ(Watches().size(), 1u);
}

TEST_F(StreamTest, AServerThatRefusesIsListed) {
  Serve([](const Request& r, Connection& c) {
    if (IsStream(r)) {
      return c.Reply(
          422,
          R"({"kind":"Status","status":"Failure","reason":"Invalid","code":422,"message":"sendInitialEvents: Forbidden"})");
    }
    if (!IsWatch(r)) return c.Reply(200, ListBody("10", {ConfigMapJson("a", "1")}));
    c.BeginChunks();
    c.Hang();
  });
  EXPECT_EQ(told_.Next(1), "+a1 ");
  ASSERT_TRUE(server_->WaitFor(1, [](const Request& r) { return IsWatch(r) && !IsStream(r); }));
  EXPECT_EQ(server_->Count(IsStream), 1u);
}

TEST_F(StreamTest, AServerThatNeverSaysItIsCompleteIsListed) {
  Serve(
      [](const Request& r, Connection& c) {
        if (!IsWatch(r)) return c.Reply(200, ListBody("10", {ConfigMapJson("a", "1")}));
        c.BeginChunks();  // it does not know of streaming: a common watch
        if (IsStream(r)) c.Chunk(EventLine("ADDED", ConfigMapJson("x", "1")));
        c.Hang();
      },
      [](ClientOptions& options) { options.watch_idle_ms = 40; });
  EXPECT_EQ(told_.Next(1), "+a1 ");
  EXPECT_EQ(server_->Count(IsStream), 1u);
}

TEST_F(StreamTest, AStreamThatBreaksStartsOver) {
  Serve([this](const Request&, Connection& c) {
    const int number = ++streams_;
    if (number == 2)
      return c.Reply(429, R"({"kind":"Status","status":"Failure","code":429,"message":"busy"})");
    c.BeginChunks();
    c.Chunk(EventLine("ADDED", ConfigMapJson(number == 1 ? "stale" : "a", "1")));
    if (number == 1) return c.Close();
    c.Chunk(std::string(kEnd) + "\n");
    c.Hang();
  });
  EXPECT_EQ(told_.Next(1), "+a1 ");
  EXPECT_EQ(server_->Count(IsStream), 3u);
}

TEST_F(StreamTest, AWindowThatIsGoneIsStreamedAgain) {
  Serve([this](const Request& r, Connection& c) {
    c.BeginChunks();
    if (!IsStream(r)) {
      EXPECT_EQ(r.query.at("resourceVersion"), "20");
      c.Chunk(EventLine("ERROR", kGoneStatus));
      return c.Hang();
    }
    const bool first = ++streams_ == 1;
    c.Chunk(EventLine("ADDED", ConfigMapJson("a", "1")));
    if (first) c.Chunk(EventLine("ADDED", ConfigMapJson("b", "2")));
    c.Chunk(std::string(kEnd) + "\n");
    first ? c.Close() : c.Hang();
  });
  EXPECT_EQ(told_.Next(3), "+a1 +b2 -b2 ");
}

TEST(WatchMachine, FallsBackToListsForGood) {
  WatchMachine machine({}, true);
  EXPECT_EQ(machine.Start().what, WatchStep::Do::kStream);
  machine.OnStreamStarted();
  EXPECT_EQ(machine.phase(), WatchPhase::kStreaming);
  WatchStep step = machine.OnWatchEnded(WatchEnd::kLost, 0);
  EXPECT_EQ(step.what, WatchStep::Do::kStream) << "one broken connection says nothing";
  EXPECT_TRUE(step.start_over);
  machine.OnStreamStarted();
  step = machine.OnWatchEnded(WatchEnd::kRefused, 0);
  EXPECT_EQ(step.what, WatchStep::Do::kList);
  EXPECT_EQ(step.delay_ms, 0);
  machine.OnPage("10", "");
  machine.OnWatchStarted(0);
  EXPECT_EQ(machine.OnWatchEnded(WatchEnd::kGone, 0).what, WatchStep::Do::kList);
}

}  // namespace
}  // namespace slipway::kube
