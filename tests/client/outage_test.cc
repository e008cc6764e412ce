// The control plane dies, restarts, or stops answering in the middle of everything.
#include <atomic>
#include <csignal>
#include <thread>

#include "control_plane.h"

namespace slipway::kube {
namespace {

class OutageTest : public ControlPlaneTest {
 protected:
  void TearDown() override {
    if (plane_ != nullptr) plane_->AwaitReady();
    ControlPlaneTest::TearDown();
  }

  std::unique_ptr<Informer> Inform(Client& client) {
    return client.Watch({"v1", "ConfigMap", ns_, "", "", {}}, {});
  }

  bool Holds(const Informer& informer, const std::string& name, const std::string& value) const {
    const auto object = informer.Get(ns_, name);
    return object && object->Parse().At("/data/k").AsString() == value;
  }

  // Applies and reads on several threads while `victim` is killed. A request that gets no answer in
  // time counts as an outage; nothing else may go wrong.
  void WorkThrough(const std::string& victim) {
    const auto client = Connect(plane_->AdminConfig(), [](ClientOptions& o) {
      o.request_timeout_ms = 5'000;
      o.total_timeout_ms = 60'000;
      o.watch_backoff_ms = 50;
      o.watch_backoff_cap_ms = 1'000;
    });
    std::vector<std::unique_ptr<Informer>> informers;
    for (int i = 0; i < 20; ++i) informers.push_back(Inform(*client));
    std::atomic<bool> stop{false};
    std::atomic<int> done{0}, number{0};
    std::mutex mutex;
    std::string wrong;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        while (!stop) {
          const std::string name = "w-" + std::to_string(t);
          const std::string value = std::to_string(++number);
          const auto applied = client->Apply(ConfigMap(name, value), {.force = true});
          const auto got = client->Get(Ref(name));
          const std::lock_guard lock(mutex);
          if (!applied) wrong = applied.error().reason + ": " + applied.error().message;
          if (!got) wrong = got.error().reason + ": " + got.error().message;
          if (applied && got && got->At("/data/k").AsString() != value) wrong = "a write was lost";
          ++done;
        }
      });
    }
    ASSERT_TRUE(Eventually([&] { return done > 50; }));
    ASSERT_EQ(::kill(plane_->Pid(victim), SIGKILL), 0);
    const int at_death = done;
    const bool recovered = Eventually([&] { return done > at_death + 200; }, 60'000);
    stop = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(recovered);
    EXPECT_EQ(wrong, "") << "an outage that ends in time is not seen";
    ASSERT_TRUE(client->Apply(ConfigMap("last", "after"), {.force = true}));
    for (const auto& informer : informers)
      EXPECT_TRUE(Eventually([&] { return Holds(*informer, "last", "after"); }));
  }
};

TEST_F(OutageTest, TheApiServerIsKilledAmidRequestsAndWatches) {
  WorkThrough("apiserver");
}

TEST_F(OutageTest, EtcdIsKilledAmidRequestsAndWatches) {
  WorkThrough("etcd");
}

// A restarted server does not remember what was before.
TEST_F(OutageTest, AVersionFromBeforeTheServersMemoryIsTakenInAnew) {
  const auto client = ConnectFaults();
  const auto informer = Inform(*client);
  ASSERT_TRUE(Eventually([&] { return informer->synced(); }));
  const Json match = Json::Obj({{"path", "/" + ns_ + "/"}, {"verb", "watch"}});
  plane_->Fault(Json::Obj({{"match", match}, {"action", "status"}, {"status", 503}}));
  ASSERT_EQ(::kill(plane_->Pid("apiserver"), SIGKILL), 0);
  plane_->AwaitReady();
  ASSERT_TRUE(Eventually(
      [&] { return static_cast<bool>(admin_->Apply(ConfigMap("a", "1"), {.force = true})); }));
  // Its memory begins when it starts. After one more start the change lies before that.
  ASSERT_EQ(::kill(plane_->Pid("apiserver"), SIGKILL), 0);
  plane_->AwaitReady();
  plane_->ClearFaults();
  EXPECT_TRUE(Eventually([&] { return Holds(*informer, "a", "1"); }));
  int streams = 0;
  for (const Json& line : plane_->Requests()) {
    const bool ours = line["path"].AsString().find(ns_) != std::string::npos;
    const bool stream = line["query"].AsString().find("sendInitialEvents") != std::string::npos;
    if (ours && stream && line["status"].AsInt() == 200) ++streams;
  }
  EXPECT_EQ(streams, 2) << "the version was gone";
}

// The connections stay open but carry nothing: neither an answer nor a reset.
TEST_F(OutageTest, APeerThatStopsAnsweringIsLeftInBoundedTime) {
  const auto client = ConnectFaults([](ClientOptions& o) {
    o.request_timeout_ms = 500;
    o.total_timeout_ms = 1'500;
    o.watch_idle_ms = 1'000;
  });
  std::vector<std::unique_ptr<Informer>> informers;
  for (int i = 0; i < 50; ++i) informers.push_back(Inform(*client));
  ASSERT_TRUE(Eventually([&] { return informers.back()->synced(); }));
  const pid_t proxy = plane_->Pid("faults");
  ASSERT_EQ(::kill(proxy, SIGSTOP), 0);
  const int64_t start = clock_.SteadyMs();
  const auto got = client->Get(Ref("a"));
  EXPECT_LT(clock_.SteadyMs() - start, 20'000);  // 1.5 s on a machine that is not busy
  std::this_thread::sleep_for(std::chrono::milliseconds(2'000));  // the watches go silent, too
  ASSERT_EQ(::kill(proxy, SIGCONT), 0);
  ASSERT_FALSE(got);
  EXPECT_TRUE(got.error().retryable);
  ASSERT_TRUE(admin_->Apply(ConfigMap("a"), {}));
  for (const auto& informer : informers)
    EXPECT_TRUE(Eventually([&] { return Holds(*informer, "a", "v"); }));
  EXPECT_TRUE(client->Get(Ref("a")));
}

}  // namespace
}  // namespace slipway::kube
