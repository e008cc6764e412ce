// Tests single requests and lists against a real server.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <unistd.h>

#include "control_plane.h"

namespace slipway::kube {
namespace {

Json Fault(const std::string& path, const std::string& action, int count) {
  return Json::Obj({{"match", Json::Obj({{"path", path}})}, {"action", action}, {"count", count}});
}

class RequestsTest : public ControlPlaneTest {
 protected:
  // Each thread makes, reads and removes objects of its own.
  std::string FirstFailure(Client& client, int threads, int rounds) const {
    std::mutex mutex;
    std::string first;
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&, t] {
        for (int i = 0; i < rounds; ++i) {
          const std::string name = "o-" + std::to_string(t) + "-" + std::to_string(i);
          const auto made = client.Create(ConfigMap(name));
          const auto got = client.Get(Ref(name));
          const auto gone =
              client.Delete(Ref(name), {.uid = made ? got->At("/metadata/uid").AsString() : ""});
          const std::lock_guard lock(mutex);
          if (!made) first = made.error().reason + ": " + made.error().message;
          if (!got) first = got.error().reason + ": " + got.error().message;
          if (!gone) first = gone.error().reason + ": " + gone.error().message;
        }
      });
    }
    for (std::thread& thread : running) thread.join();
    return first;
  }

  Json Owned(const std::string& name, const Json& owner) const {
    Json object = ConfigMap(name);
    object.SetAt("/metadata/ownerReferences",
                 Json::Arr({Json::Obj({{"apiVersion", "v1"},
                                       {"kind", "ConfigMap"},
                                       {"name", owner.At("/metadata/name").AsString()},
                                       {"uid", owner.At("/metadata/uid").AsString()},
                                       {"blockOwnerDeletion", true}})}));
    return object;
  }
};

TEST_F(RequestsTest, NoRequestFailsWhenTheServerSendsConnectionsAway) {
  const auto client = Connect(plane_->AdminConfig());
  // The client never repeats a create by itself, and a fiftieth of all answers ends the connection.
  EXPECT_EQ(FirstFailure(*client, 16, 25), "");
}

TEST_F(RequestsTest, AConflictOfManagersNamesTheOtherOneAndTheField) {
  ASSERT_TRUE(admin_->Apply(ConfigMap("a", "theirs"), {.field_manager = "gitops"}));
  const auto refused = admin_->Apply(ConfigMap("a", "ours"), {.field_manager = "slipway"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_EQ(refused.error().reason, "FieldManagerConflict");
  EXPECT_EQ(refused.error().field, ".data.k");
  EXPECT_NE(refused.error().message.find("\"gitops\""), std::string::npos)
      << refused.error().message;
  const auto forced =
      admin_->Apply(ConfigMap("a", "ours"), {.field_manager = "slipway", .force = true});
  ASSERT_TRUE(forced);
  EXPECT_EQ(forced->At("/data/k").AsString(), "ours");
}

TEST_F(RequestsTest, ADryRunChangesNothing) {
  const auto tried = admin_->Apply(ConfigMap("a"), {.dry_run = true});
  ASSERT_TRUE(tried) << tried.error().message;
  EXPECT_FALSE(tried->At("/metadata/uid").AsString().empty()) << "the server's own answer";
  EXPECT_EQ(admin_->Get(Ref("a")).error().code, Code::kNotFound);
  ASSERT_TRUE(admin_->Create(ConfigMap("a")));
  EXPECT_TRUE(admin_->Delete(Ref("a"), {.dry_run = true}));
  EXPECT_TRUE(admin_->Get(Ref("a")));
}

TEST_F(RequestsTest, AnUnknownFieldIsRefusedByItsName) {
  Json object = ConfigMap("a");
  object.Set("colour", "red");
  const auto applied = admin_->Apply(object, {});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::kInvalid);
  EXPECT_EQ(applied.error().field, ".colour") << applied.error().message;
  const auto created = admin_->Create(object);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().field, "colour") << created.error().message;
}

TEST_F(RequestsTest, DeleteKeepsToItsPreconditions) {
  const auto made = admin_->Create(ConfigMap("a"));
  ASSERT_TRUE(made);
  const auto other = admin_->Delete(Ref("a"), {.uid = "3b2c1d00-0000-0000-0000-000000000000"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConflict);
  Json changed = *made;
  changed.SetAt("/data/k", "w");
  ASSERT_TRUE(admin_->Update(changed, ""));
  const std::string& version = made->At("/metadata/resourceVersion").AsString();
  const auto moved_on = admin_->Delete(Ref("a"), {.resource_version = version});
  ASSERT_FALSE(moved_on);
  EXPECT_EQ(moved_on.error().code, Code::kConflict);
  EXPECT_TRUE(admin_->Delete(Ref("a"), {.uid = made->At("/metadata/uid").AsString()}));
  EXPECT_TRUE(admin_->Delete(Ref("a"), {})) << "gone is what was wanted";
}

TEST_F(RequestsTest, DeleteTakesDependentsAlongAsItSays) {
  const auto owner = admin_->Create(ConfigMap("owner"));
  ASSERT_TRUE(owner);
  ASSERT_TRUE(admin_->Create(Owned("child", *owner)));
  // The collector works from a view of its own, and foreground deletion waits for it.
  ASSERT_TRUE(admin_->Delete(Ref("owner"), {.propagation = "Foreground"}));
  const auto dying = admin_->Get(Ref("owner"));
  EXPECT_TRUE(!dying || dying->At("/metadata/deletionTimestamp").is_string());
  EXPECT_TRUE(Eventually([&] { return !admin_->Get(Ref("owner")); }));
  EXPECT_FALSE(admin_->Get(Ref("child"))) << "the owner goes last";

  const auto next = admin_->Create(ConfigMap("next"));
  ASSERT_TRUE(next);
  ASSERT_TRUE(admin_->Create(Owned("orphan", *next)));
  ASSERT_TRUE(admin_->Delete(Ref("next"), {.propagation = "Orphan"}));
  EXPECT_TRUE(Eventually([&] { return !admin_->Get(Ref("next")); }));
  const auto orphan = admin_->Get(Ref("orphan"));
  ASSERT_TRUE(orphan);
  EXPECT_EQ(orphan->At("/metadata/ownerReferences").size(), 0u);
}

TEST_F(RequestsTest, AnExpiredContinueTokenGivesTheWholeListAllTheSame) {
  for (const char* name : {"a", "b", "c", "d"}) ASSERT_TRUE(admin_->Create(ConfigMap(name)));
  // We ask for the second page after etcd has compacted what the first page showed.
  Json slow = Fault("/" + ns_ + "/configmaps", "latency", 1);
  slow.Set("every", 2);
  slow.Set("ms", 9'000);
  plane_->Fault(slow);
  std::atomic<bool> done{false};
  std::thread changes([&] {
    for (int i = 0; !done; ++i) {
      (void)admin_->Apply(ConfigMap("moving", std::to_string(i)), {});
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  const auto client = ConnectFaults([](ClientOptions& o) { o.request_timeout_ms = 20'000; });
  const auto list = client->List("v1", "ConfigMap", ns_, {.page_size = 2});
  done = true;
  changes.join();
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_GE(list->items.size(), 5u);
  int gone = 0;
  for (const Json& line : plane_->Requests()) {
    if (line["path"].AsString().find(ns_) != std::string::npos && line["status"].AsInt() == 410)
      ++gone;
  }
  EXPECT_EQ(gone, 1) << "the token did expire";
}

TEST_F(RequestsTest, AListCanBeOfAVersion) {
  const auto made = admin_->Create(ConfigMap("a"));
  ASSERT_TRUE(made);
  const std::string& version = made->At("/metadata/resourceVersion").AsString();
  ASSERT_TRUE(admin_->Create(ConfigMap("b")));
  const auto then = admin_->List("v1", "ConfigMap", ns_,
                                 {.resource_version = version, .resource_version_match = "Exact"});
  ASSERT_TRUE(then) << then.error().message;
  for (const Json& item : then->items) EXPECT_NE(item.At("/metadata/name").AsString(), "b");
  const auto now =
      admin_->List("v1", "ConfigMap", ns_,
                   {.resource_version = version, .resource_version_match = "NotOlderThan"});
  ASSERT_TRUE(now) << now.error().message;
  EXPECT_GE(now->items.size(), 1u);
  const auto wrong = admin_->List("v1", "ConfigMap", ns_, {.resource_version_match = "Exact"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kInvalid);
}

TEST_F(RequestsTest, RetryAfterIsWaitedFor) {
  Json busy = Fault("/" + ns_ + "/configmaps", "status", 1);
  busy.Set("status", 503);
  busy.Set("retryAfter", 1);
  plane_->Fault(busy);
  const auto client = ConnectFaults();
  const int64_t start = clock_.SteadyMs();
  EXPECT_TRUE(client->Create(ConfigMap("a"))) << "the server turned it away itself";
  EXPECT_GE(clock_.SteadyMs() - start, 1'000);
}

// For a level without seats, the server lets one request in at a time and turns the others away.
TEST_F(RequestsTest, FairnessTurnsAwayWithAHintThatIsKeptTo) {
  const std::string token = plane_->Token(ns_, "busy"), name = ns_;
  const auto level = *Json::Parse(
      R"({"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"PriorityLevelConfiguration","metadata":{"name":")" +
      name +
      R"("},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":0,"lendablePercent":0,"borrowingLimitPercent":0,"limitResponse":{"type":"Reject"}}}})");
  const auto flow = *Json::Parse(
      R"({"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","metadata":{"name":")" +
      name + R"("},"spec":{"matchingPrecedence":2,"priorityLevelConfiguration":{"name":")" + name +
      R"("},"rules":[{"subjects":[{"kind":"ServiceAccount","serviceAccount":{"name":"busy","namespace":")" +
      name +
      R"("}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"namespaces":["*"],"clusterScope":true}]}]}})");
  ASSERT_TRUE(admin_->Create(level));
  ASSERT_TRUE(admin_->Create(flow));
  Config config = plane_->AdminConfig();
  config.bearer_token = token;
  const auto client = Connect(config);
  std::mutex mutex;
  std::set<std::string> reasons;
  const auto burst = [&] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 16; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10; ++i) {
          const auto got = client->Get(Ref("a"));
          const std::lock_guard lock(mutex);
          reasons.insert(got ? "" : got.error().reason);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  const auto turned_away = [&] {
    return plane_->Kubectl({"get", "--raw", "/metrics"})
               .find("apiserver_flowcontrol_rejected_requests_total{flow_schema=\"" + name) !=
           std::string::npos;
  };
  // The server applies a new level when its watch reports it, but does not say when.
  const int64_t until = clock_.SteadyMs() + 60'000;
  do {
    burst();
  } while (!turned_away() && clock_.SteadyMs() < until);
  EXPECT_TRUE(turned_away());
  EXPECT_EQ(reasons, std::set<std::string>{"Forbidden"}) << "each was let in in the end";
  EXPECT_TRUE(admin_->Delete({"flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "", name}, {}));
  EXPECT_TRUE(admin_->Delete(
      {"flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", "", name}, {}));
}

TEST_F(RequestsTest, AGroupWhoseServerIsDownBreaksNoOther) {
  const auto service = *Json::Parse(
      R"({"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1.down.example.com"},
      "spec":{"group":"down.example.com","version":"v1","groupPriorityMinimum":100,"versionPriority":100,
      "insecureSkipTLSVerify":true,"service":{"name":"nobody","namespace":")" +
      ns_ + R"("}}})");
  ASSERT_TRUE(admin_->Apply(service, {}));
  const auto client = Connect(plane_->AdminConfig(), [](ClientOptions& o) {
    o.total_timeout_ms = 1'500;
    o.absent_retry_ms = 100;
  });
  ASSERT_TRUE(Eventually([&] {
    const auto down = client->Discover("down.example.com/v1", "Thing");
    return !down && down.error().code == Code::kUnavailable;
  })) << "a server that is down has not said that there is no such kind";
  EXPECT_TRUE(client->Discover("apps/v1", "Deployment"));
  EXPECT_TRUE(client->Discover("v1", "Secret"));
  const auto waiting = client->Watch({"down.example.com/v1", "Thing", "", "", "", {}}, {});
  const auto informer = client->Watch({"apps/v1", "Deployment", ns_, "", "", {}}, {});
  EXPECT_TRUE(Eventually([&] { return informer->synced(); }));
  EXPECT_FALSE(waiting->synced());
  ASSERT_TRUE(
      admin_->Delete({"apiregistration.k8s.io/v1", "APIService", "", "v1.down.example.com"}, {}));
  EXPECT_TRUE(Eventually([&] { return waiting->synced() && !waiting->served(); }));
}

TEST_F(RequestsTest, ANewKindIsFoundWithoutANewClient) {
  const std::string group = ns_ + ".example.com";
  const auto client = Connect(plane_->AdminConfig());
  EXPECT_EQ(client->Discover(group + "/v1", "Thing").error().reason, "KindNotFound");
  const auto definition = *Json::Parse(
      R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.)" +
      group + R"("},"spec":{"group":")" + group +
      R"(","scope":"Namespaced","names":{"plural":"things","singular":"thing","kind":"Thing","listKind":"ThingList"},
      "versions":[{"name":"v1","served":true,"storage":true,"deprecated":true,"deprecationWarning":")" +
      group +
      R"( Thing is old","schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}})");
  ASSERT_TRUE(admin_->Create(definition));
  EXPECT_TRUE(
      Eventually([&] { return static_cast<bool>(client->Discover(group + "/v1", "Thing")); }));
  ASSERT_TRUE(admin_->Delete(
      {"apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "things." + group}, {}));
}

TEST_F(RequestsTest, WarningsAreLoggedOncePerText) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  {
    Logger log(clock_, fds[1], Logger::Format::kJson, Logger::Level::kWarn);
    Client client(plane_->AdminConfig(), {}, clock_, log, metrics_);
    for (int i = 0; i < 3; ++i) (void)client.Get({"v1", "ComponentStatus", "", "etcd-0"});
  }
  ::close(fds[1]);
  std::string text(65'536, '\0');
  text.resize(static_cast<size_t>(::read(fds[0], text.data(), text.size())));
  ::close(fds[0]);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_NE(text.find("ComponentStatus is deprecated"), std::string::npos) << text;
}

TEST_F(RequestsTest, AServersOwnTimeOutIsTriedAgain) {
  Json late = Fault("/" + ns_ + "/configmaps", "status", 2);
  late.Set("status", 504);
  plane_->Fault(late);
  ASSERT_TRUE(admin_->Create(ConfigMap("a")));
  EXPECT_TRUE(ConnectFaults()->Get(Ref("a")));
}

}  // namespace
}  // namespace slipway::kube
