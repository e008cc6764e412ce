// Informers of a real server: how they start, what they request, how many connections they use.
#include <deque>
#include <filesystem>
#include <set>
#include <thread>

#include "control_plane.h"

namespace slipway::kube {
namespace {

// The number of sockets that this process has open.
size_t Sockets() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone).string().starts_with("socket:")) ++count;
  }
  return count;
}

class WatchTest : public ControlPlaneTest {
 protected:
  std::unique_ptr<Informer> Inform(Client& client) {
    return client.Watch({"v1", "ConfigMap", ns_, "", "", {}}, {});
  }

  // The queries of this test's requests in the log of the proxy.
  std::vector<std::string> Queries(const std::string& verb) const {
    std::vector<std::string> out;
    for (const Json& line : plane_->Requests()) {
      if (line["verb"].AsString() == verb && line["path"].AsString().find(ns_) != std::string::npos)
        out.push_back(line["query"].AsString());
    }
    return out;
  }

  void Fault(const std::string& action, Json more) const {
    Json rule = Json::Obj(
        {{"match", Json::Obj({{"path", "/" + ns_ + "/"}, {"verb", "watch"}})}, {"action", action}});
    for (auto& [name, value] : more.members()) rule.Set(name, value);
    plane_->Fault(rule);
  }

  bool Holds(const Informer& informer, const std::string& name, const std::string& value) const {
    const auto object = informer.Get(ns_, name);
    return object && object->Parse().At("/data/k").AsString() == value;
  }

  void Set(const std::string& name, const std::string& value) {
    const auto applied = admin_->Apply(ConfigMap(name, value), {});
    ASSERT_TRUE(applied) << applied.error().message;
  }
};

TEST_F(WatchTest, StartsFromAStreamAndNeverLists) {
  Set("a", "1");
  const auto client = ConnectFaults();
  const auto informer = Inform(*client);
  ASSERT_TRUE(Eventually([&] { return informer->synced(); }));
  EXPECT_TRUE(Holds(*informer, "a", "1")) << "synced means that all is there";
  Set("a", "2");
  Set("b", "1");
  EXPECT_TRUE(Eventually([&] { return Holds(*informer, "a", "2") && Holds(*informer, "b", "1"); }));
  ASSERT_TRUE(admin_->Delete(Ref("a"), {}));
  EXPECT_TRUE(Eventually([&] { return informer->Get(ns_, "a") == nullptr; }));
  EXPECT_TRUE(Queries("get").empty());
  ASSERT_EQ(Queries("watch").size(), 1u);
  EXPECT_NE(Queries("watch")[0].find("sendInitialEvents=true"), std::string::npos);
}

TEST_F(WatchTest, ListsWhereTheServerRefusesToStream) {
  Set("a", "1");
  Fault("status", Json::Obj({{"status", 422}, {"count", 1}}));
  const auto client = ConnectFaults();
  const auto informer = Inform(*client);
  EXPECT_TRUE(Eventually([&] { return Holds(*informer, "a", "1"); }));
  EXPECT_EQ(Queries("get").size(), 1u);
  Set("a", "2");
  EXPECT_TRUE(Eventually([&] { return Holds(*informer, "a", "2"); }));
  EXPECT_EQ(Queries("watch").back().find("sendInitialEvents"), std::string::npos);
}

TEST_F(WatchTest, AWatchThatIsCutResumesWithoutAList) {
  const auto client = ConnectFaults();
  Fault("half-line", Json::Obj({{"after", 3}, {"count", 1}}));
  const auto informer = Inform(*client);
  ASSERT_TRUE(Eventually([&] { return informer->synced(); }));
  for (int i = 0; i < 20; ++i) Set("a", std::to_string(i));
  EXPECT_TRUE(Eventually([&] { return Holds(*informer, "a", "19"); }));
  EXPECT_TRUE(Queries("get").empty());
  const auto watches = Queries("watch");
  ASSERT_GE(watches.size(), 2u);
  EXPECT_NE(watches.back().find("resourceVersion="), std::string::npos);
}

TEST_F(WatchTest, AWindowThatIsGoneIsTakenInAnew) {
  Set("a", "1");
  const auto client = ConnectFaults();
  Fault("drop", Json::Obj({{"after", 4}, {"count", 1}}));
  const auto informer = Inform(*client);
  ASSERT_TRUE(Eventually([&] { return Holds(*informer, "a", "1"); }));
  Fault("gone", Json::Obj({{"count", 1}}));  // an ERROR event of 410
  for (int i = 0; i < 10; ++i) Set("b", std::to_string(i));
  ASSERT_TRUE(admin_->Delete(Ref("a"), {}));
  EXPECT_TRUE(Eventually([&] { return Holds(*informer, "b", "9") && !informer->Get(ns_, "a"); }));
}

TEST_F(WatchTest, AThousandWatchesShareAFewConnections) {
  const auto client = Connect(plane_->AdminConfig());
  ASSERT_TRUE(client->Discover("v1", "ConfigMap"));
  const size_t before = Sockets();
  std::vector<std::unique_ptr<Informer>> informers;
  for (int i = 0; i < 1000; ++i) informers.push_back(Inform(*client));
  const auto all_synced = [&] {
    return std::all_of(informers.begin(), informers.end(), [](auto& i) { return i->synced(); });
  };
  ASSERT_TRUE(Eventually(all_synced, 60'000));
  // The server allows a hundred streams per connection.
  EXPECT_LE(Sockets() - before, 40u);  // it sends a fiftieth of them to another connection
  Set("a", "1");
  const auto all_hold = [&] {
    return std::all_of(informers.begin(), informers.end(),
                       [&](auto& i) { return i->Get(ns_, "a") != nullptr; });
  };
  EXPECT_TRUE(Eventually(all_hold));
}

TEST_F(WatchTest, ARefusedWatchWaitsAsTheServerSays) {
  Fault("status", Json::Obj({{"status", 429}, {"retryAfter", 1}, {"count", 1}}));
  const auto client = ConnectFaults();
  const int64_t start = clock_.SteadyMs();
  const auto informer = Inform(*client);
  ASSERT_TRUE(Eventually([&] { return informer->synced(); }));
  EXPECT_GE(clock_.SteadyMs() - start, 1'000);
  EXPECT_TRUE(Queries("get").empty()) << "a busy server is not one that cannot stream";
}

}  // namespace
}  // namespace slipway::kube
