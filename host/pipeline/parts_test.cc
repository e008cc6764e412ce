#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>

#include <gtest/gtest.h>

#include "pipeline/effects.h"
#include "pipeline/failures.h"
#include "pipeline/quantity.h"
#include "pipeline/scheduler.h"
#include "pipeline/stage_clock.h"
#include "pipeline/test_support.h"
#include "pipeline/volumes.h"

namespace slipway::pipeline {
namespace {

TEST(Quantity, ParsesAddsAndFormats) {
  EXPECT_EQ(*ParseQuantity("500m"), 500);
  EXPECT_EQ(*ParseQuantity("2"), 2000);
  EXPECT_EQ(*ParseQuantity("1Ki"), 1024000);
  for (const char* bad : {"", "x", "1Zi", "-1", "1 Gi"}) EXPECT_FALSE(ParseQuantity(bad)) << bad;
  Json sum = Json::MakeObject();
  ASSERT_TRUE(AddQuantities(sum, *Json::Parse(R"({"cpu":"500m","memory":"512Mi","pods":"3"})")));
  ASSERT_TRUE(AddQuantities(sum, *Json::Parse(R"({"cpu":"1500m","memory":"512Mi","pods":2})")));
  EXPECT_EQ(sum, *Json::Parse(R"({"cpu":"2","memory":"1Gi","pods":"5"})"));
}

TEST(PermissionWait, NamesTheVerbTheResourceAndTheNamespace) {
  const store::WaitingFor in_namespace = PermissionWait(
      {Code::kForbidden, "Forbidden",
       "clusters.db.example.org \"a\" is forbidden: User \"u\" cannot patch resource "
       "\"clusters\" in API group \"db.example.org\" in the namespace \"acme-orders\""});
  EXPECT_EQ(in_namespace.name, "patch clusters.db.example.org");
  EXPECT_EQ(in_namespace.ns, "acme-orders");
  const store::WaitingFor everywhere = PermissionWait(
      {Code::kForbidden, "Forbidden",
       "pods is forbidden: User \"u\" cannot watch resource \"pods\" in API group \"\" at the "
       "cluster scope"});
  EXPECT_EQ(everywhere.name, "watch pods");
  EXPECT_EQ(everywhere.ns, "");
  const store::WaitingFor other = PermissionWait({Code::kUnauthenticated, "", "Unauthorized"});
  EXPECT_EQ(other.name, "");
  EXPECT_EQ(other.reason, "Unauthorized");
}

TEST(PermissionWait, NamesTheRightsThatItCannotGiveAway) {
  const auto waits = PermissionWait(
      {Code::kForbidden, "Forbidden",
       "roles.rbac.authorization.k8s.io \"a\" is forbidden: user \"u\" (groups=[\"g\"]) is "
       "attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], "
       "Resources:[\"pods\"], Verbs:[\"get\" \"patch\"]}\n{APIGroups:[\"db.example.org\"], "
       "Resources:[\"backups\"], Verbs:[\"list\"]}"});
  EXPECT_EQ(waits.name, "get pods, patch pods, list backups.db.example.org");
}

TEST(GuardApply, RefusesWhatAnEngineMayNotDo) {
  store::InstanceRecord instance;
  instance.id = "ins_1";
  instance.ns = "acme-orders";
  const EffectScope scope{instance, "pg", Json::Arr({"v1/ConfigMap"})};
  const auto guard = [&](const char* text) {
    return GuardApply(scope, {engine::ApplyEffect{*Json::Parse(text)}});
  };
  const auto good = guard(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}})");
  ASSERT_TRUE(good);
  EXPECT_EQ((*good)[0].At("/metadata/namespace").AsString(), "acme-orders");
  EXPECT_EQ((*good)[0].At("/metadata/labels/slipway.dev~1instance").AsString(), "ins_1");
  EXPECT_EQ(guard(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}})").error().reason,
            "ForbiddenEffect");
  EXPECT_FALSE(guard(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"kube-system"}})"));
  EXPECT_FALSE(guard(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{}})"));
  EXPECT_FALSE(guard(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"1"}})"));
}

TEST(GuardApply, NoStageThatBuildsDeletes) {
  store::InstanceRecord instance;
  const EffectScope scope{instance, "pg", Json::Arr({"v1/ConfigMap"})};
  const auto refused = GuardApply(scope, {engine::DeleteEffect{{"v1", "ConfigMap", "", "a"}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "ForbiddenEffect");
}

TEST(GuardPatches, LetsThroughWhatIsDeclaredAndTheInstancesOwn) {
  store::InstanceRecord instance;
  instance.id = "ins_1";
  instance.ns = "acme-orders";
  const EffectScope scope{instance, "pg", Json::MakeArray(),
                          Json::Arr({"v1/Pod", "v1/Node/status"})};
  const Json observed = *Json::Parse(R"([{"apiVersion":"v1","kind":"Pod",
      "metadata":{"namespace":"acme-orders","name":"a","uid":"seen"}},
      {"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"other","name":"c","uid":"x"}}])");
  store::ObjectRecord applied;
  applied.api_version = "v1";
  applied.kind = "Node";
  applied.ns = "acme-orders";
  applied.name = "b";
  applied.uid = "applied";
  const auto guard = [&](const engine::PatchEffect& patch) {
    return GuardPatches(scope, {patch}, observed, {applied});
  };
  const Json note = *Json::Parse(R"({"metadata":{"annotations":{"note":"1"}}})");
  const auto good = guard({{"v1", "Pod", "", "a"}, "", "7", note});
  ASSERT_TRUE(good);
  EXPECT_EQ((*good)[0].ref.ns, "acme-orders");
  EXPECT_EQ((*good)[0].body["metadata"]["uid"].AsString(), "seen");
  EXPECT_EQ((*good)[0].body["metadata"]["resourceVersion"].AsString(), "7");
  const auto status = guard({{"v1", "Node", "", "b"}, "status", "", Json::MakeObject()});
  ASSERT_TRUE(status);
  EXPECT_EQ((*status)[0].body["metadata"]["uid"].AsString(), "applied");
  const auto refused = [&](const engine::PatchEffect& patch, const std::string& why) {
    const auto guarded = guard(patch);
    ASSERT_FALSE(guarded) << why;
    EXPECT_EQ(guarded.error().reason, "ForbiddenEffect");
    EXPECT_NE(guarded.error().message.find(why), std::string::npos) << guarded.error().message;
  };
  refused({{"v1", "Pod", "", "a"}, "status", "", note}, "v1/Pod/status is not in its");
  refused({{"v1", "Node", "", "b"}, "", "", note}, "v1/Node is not in its");
  refused({{"v1", "Pod", "", "c"}, "", "", note}, "the instance has no such object");
  for (const auto& [body, why] : std::map<std::string, std::string>{
           {R"({"kind":"Node"})", "kind cannot be patched"},
           {R"({"metadata":{"finalizers":null}})", "metadata.finalizers cannot be patched"},
           {R"({"metadata":{"uid":"y"}})", "metadata.uid cannot be patched"},
           {R"({"metadata":null})", "metadata is no object"},
           {R"({"metadata":"x"})", "metadata is no object"},
           {R"({"metadata":{"labels":null}})", "metadata.labels is no object"},
           {R"({"metadata":{"labels":{"slipway.dev/instance":null}}})", "is the host's"}})
    refused({{"v1", "Pod", "", "a"}, "", "", *Json::Parse(body)}, why);
}

TEST(Ask, AListHasTheNewestFirstAndNoValueOfASecret) {
  std::string directory = ::testing::TempDir() + "slipway-ask-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  {
    testing::World world(directory);
    const store::Submitted made = world.Create("shop", "db");
    const std::string& ns = made.instance.ns;
    for (const char* day : {"1", "3", "2"})
      world.cluster.objects[{"Secret", ns, day}] = Json::Obj(
          {{"kind", "Secret"},
           {"metadata",
            Json::Obj({{"name", day},
                       {"creationTimestamp", std::string("2026-11-0") + day + "T00:00:00Z"}})},
           {"data", Json::Obj({{"password", "aGlkZGVu"}})}});
    Json told;
    world.engines.engine->step = [&](const Json& input) -> Result<Json> {
      told = input["needs"];
      return *Json::Parse(R"({"schema":1,"verdict":{"state":"progressing","reason":"X"},
        "need":{"all":{"apiVersion":"v1","kind":"Secret","labelSelector":"a=b"}}})");
    };
    for (int i = 0; i < 10 && told["all"].is_null(); ++i) world.Look(made.instance.id);
    EXPECT_EQ(told.At("/all/items/0/metadata/name").AsString(), "3");
    EXPECT_EQ(told.At("/all/items/2/metadata/name").AsString(), "1");
    EXPECT_EQ(told.At("/all/items/0/keys/0").AsString(), "password");
    EXPECT_EQ(told.Dump().find("aGlkZGVu"), std::string::npos);
  }
  std::filesystem::remove_all(directory);
}

TEST(Volumes, AreFoundByTheSelectorThatTheEngineTells) {
  store::InstanceRecord instance;
  instance.id = "ins_1";
  instance.name = "orders";
  EXPECT_EQ(ClaimsSelector(*Json::Parse(R"({"claims_selector":"a/b=${name},c=${id}"})"), instance),
            "a/b=orders,c=ins_1");
  EXPECT_EQ(ClaimsSelector(Json::MakeObject(), instance), "");
}

TEST(Scheduler, OneTickPerKeyAtATimeAndNoWakeUpIsLost) {
  SystemClock clock;
  std::mutex mutex;
  std::condition_variable changed;
  int running = 0, most = 0, ticks = 0;
  Scheduler scheduler({.workers = 4}, clock, [&](const std::string&) -> int64_t {
    {
      const std::lock_guard lock(mutex);
      most = std::max(most, ++running);
    }
    std::this_thread::yield();
    const std::lock_guard lock(mutex);
    --running;
    ++ticks;
    changed.notify_all();
    return -1;
  });
  scheduler.Start();
  int before = 0;
  for (int i = 0; i < 200; ++i) {
    std::unique_lock lock(mutex);
    before = ticks;
    lock.unlock();
    scheduler.Wake("a");
    lock.lock();
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return ticks > before; }));
  }
  scheduler.Stop();
  EXPECT_EQ(most, 1);
}

TEST(Scheduler, ATickThatAsksForAnotherGetsItAndIdleKeysCostNothing) {
  SystemClock clock;
  std::atomic<int> left{3};
  Scheduler scheduler({.workers = 2}, clock,
                      [&](const std::string&) -> int64_t { return --left > 0 ? 1 : -1; });
  scheduler.Start();
  scheduler.Wake("a");
  for (int i = 0; i < 10'000 && (left > 0 || scheduler.waiting() > 0); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(left, 0);
  EXPECT_EQ(scheduler.waiting(), 0u);
}

TEST(Scheduler, ALaneThatIsFullHoldsUpNobodyElseAndIsReported) {
  SystemClock clock;
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::set<std::string> ran, held;
  Scheduler scheduler(
      {.workers = 2, .most = 8, .most_per_lane = 3, .held_ms = 100}, clock,
      [&](const std::string& key) -> int64_t {
        std::unique_lock lock(mutex);
        if (key[0] == 's') changed.wait(lock, [&] { return open; });
        ran.insert(key);
        changed.notify_all();
        return -1;
      },
      [&](const std::string& key, const std::string& lane) {
        const std::lock_guard lock(mutex);
        held.insert(key + (lane.empty() ? "" : " in " + lane));
        changed.notify_all();
      });
  scheduler.Start();
  for (int i = 0; i < 5; ++i) scheduler.Wake("s" + std::to_string(i), 0, {"slow"});
  scheduler.Wake("quick", 0, {"other"});
  std::unique_lock lock(mutex);
  const auto within = std::chrono::seconds(60);
  EXPECT_TRUE(changed.wait_for(lock, within, [&] { return ran.count("quick") > 0; }))
      << "a worker more for those that are not held up";
  EXPECT_TRUE(changed.wait_for(lock, within, [&] { return held.size() == 5; }));
  EXPECT_EQ(std::count_if(held.begin(), held.end(),
                          [](const auto& text) { return text.ends_with(" in slow"); }),
            2)
      << "three run, two wait for the lane";
  open = true;
  changed.notify_all();
  EXPECT_TRUE(changed.wait_for(lock, within, [&] { return ran.size() == 6; }));
}

class TwoClocks final : public Clock {
 public:
  int64_t NowMs() const override { return wall; }

  int64_t SteadyMs() const override { return steady; }

  int64_t wall = 1'790'000'000'000, steady = 0;
};

TEST(StageClock, CountsWhatLiesBetweenTwoLooksThatSawTheCluster) {
  TwoClocks clock;
  StageClock time(clock);
  int64_t spent = 0;
  const auto look = [&](int64_t after_ms, bool blind, int64_t delay_ms = 1000) {
    clock.steady += after_ms;
    time.Begin("i", "op/0");
    const int64_t unsaved = time.Settle("i", blind);
    time.End("i", "op/0", delay_ms);
    spent = unsaved;
  };
  look(0, false);
  look(1000, false);
  EXPECT_EQ(spent, 1000);
  clock.wall += 3'600'000;
  look(1000, false);
  EXPECT_EQ(spent, 2000) << "the wall clock counts for nothing";
  look(500, true);
  look(60'000, true);
  EXPECT_EQ(spent, 2000) << "an outage counts for nothing, nor the time before it was seen";
  look(1000, false);
  EXPECT_EQ(spent, 2000) << "nor the time in which it ended";
  look(1000, false);
  EXPECT_EQ(spent, 3000);
  look(600'000, false);
  EXPECT_EQ(spent, 3000 + 1000 + 5000) << "a host that was suspended: what was due, and a bit";
  time.Saved("i");
  look(1000, false);
  EXPECT_EQ(spent, 1000);
  StageClock restarted(clock);
  restarted.Begin("i", "op/0");
  EXPECT_EQ(restarted.Settle("i", false), 0) << "time in which no host ran";
}

}  // namespace
}  // namespace slipway::pipeline
