#include <atomic>
#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include "pipeline/effects.h"
#include "pipeline/quantity.h"
#include "pipeline/scheduler.h"
#include "pipeline/tick.h"
#include "pipeline/vault.h"
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

TEST(Vault, OpensOnlyForTheSamePlaceAndKey) {
  const std::string key(32, 'k');
  const Vault vault(MasterKeys{"k1", {{"k1", key}}});
  const auto sealed = vault.Seal("acme", "ins_1", {{"username", "app"}, {"password", "s3cret"}});
  EXPECT_EQ(sealed.data_key.master_key_id, "k1");
  const auto opened = vault.Open("acme", "ins_1", sealed.data_key, sealed.credentials);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)[1].second, "s3cret");
  EXPECT_FALSE(vault.Open("acme", "ins_2", sealed.data_key, sealed.credentials));
  auto swapped = sealed.credentials;
  std::swap(swapped[0].sealed, swapped[1].sealed);
  EXPECT_FALSE(vault.Open("acme", "ins_1", sealed.data_key, swapped)) << "moved to another field";
  const Vault other(MasterKeys{"k2", {{"k2", key}}});
  EXPECT_EQ(other.Open("acme", "ins_1", sealed.data_key, sealed.credentials).error().reason,
            "MasterKeyMissing");
}

TEST(GuardApply, RefusesWhatAnEngineMayNotDo) {
  store::InstanceRecord instance;
  instance.id = "ins_1";
  instance.ns = "acme-orders";
  const EffectScope scope{instance, "pg", Json::Arr({"v1/ConfigMap"})};
  const auto guard = [&](const char* text) {
    return GuardApply(scope, Json::Arr({*Json::Parse(text)}));
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
  Scheduler scheduler(4, clock, [&](const std::string&) -> int64_t {
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
  Scheduler scheduler(2, clock, [&](const std::string&) -> int64_t { return --left > 0 ? 1 : -1; });
  scheduler.Wake("a");
  for (int i = 0; i < 10'000 && (left > 0 || scheduler.waiting() > 0); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(left, 0);
  EXPECT_EQ(scheduler.waiting(), 0u);
}

}  // namespace
}  // namespace slipway::pipeline
