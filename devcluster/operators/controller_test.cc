#include "devcluster/operators/controller.h"

#include <atomic>

#include "devcluster/operators/test_fixture.h"

namespace slipway::sim::operators {
namespace {

class ControllerTest : public FakeClusterTest {
 protected:
  void OnChange(const FakeCluster::Change&) override {}

  std::string Describe() override { return std::to_string(passes) + " passes"; }

  Json DeletedPod(const std::string& name) {
    Json pod =
        Json::Obj({{"apiVersion", "v1"},
                   {"kind", "Pod"},
                   {"metadata", Json::Obj({{"name", name},
                                           {"namespace", "acme"},
                                           {"deletionTimestamp", "2026-11-22T06:00:00Z"}})}});
    return *fake.Create(pod);
  }

  PassEnvironment env{fake, clock, log, 0};
  std::atomic<int> passes{0};
};

TEST_F(ControllerTest, RepeatsAFailedPassUntilItSucceeds) {
  std::string seen;
  Controller controller(env, "test",
                        {[&](const std::string& kind, const std::string& ns,
                             const std::string& name) -> Result<int64_t> {
                           seen = kind + "|" + ns + "|" + name;
                           if (++passes < 3) return Error{Code::kConflict, "Conflict", "again"};
                           return -1;
                         },
                         {},
                         {}});
  controller.Wake("thing/acme/orders");
  ASSERT_TRUE(Eventually([&] { return passes == 3; }));
  controller.Stop();
  EXPECT_EQ(seen, "thing|acme|orders");
  EXPECT_EQ(passes, 3);
}

TEST_F(ControllerTest, EndsAPodThatIsBeingDeletedAfterItsServers) {
  std::string stopped;
  Controller controller(env, "test",
                        {[](const std::string&, const std::string&, const std::string&) {
                           return Result<int64_t>(-1);
                         },
                         [&](const Json& pod) { stopped = NameOf(pod); },
                         {}});
  const Json pod = DeletedPod("orders-1");
  controller.Wake("ending/acme/orders-1");
  ASSERT_TRUE(Eventually([&] { return Object(RefOf(pod)).is_null(); }));
  EXPECT_EQ(stopped, "orders-1");
}

TEST_F(ControllerTest, LeavesPodsToTheKubeletsOfARealCluster) {
  Json node = *Json::Parse(
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"worker"},
          "status":{"nodeInfo":{"kubeletVersion":"v1.35.4"}}})");
  ASSERT_TRUE(fake.Create(node));
  Controller controller(env, "test",
                        {[this](const std::string&, const std::string&, const std::string&) {
                           ++passes;
                           return Result<int64_t>(-1);
                         },
                         {},
                         {}});
  const Json pod = DeletedPod("orders-1");
  controller.Wake("ending/acme/orders-1");
  controller.Wake("thing/acme/orders");
  ASSERT_TRUE(Eventually([&] { return passes == 1; }));
  controller.Stop();
  EXPECT_FALSE(controller.PlaysMachinery());
  EXPECT_FALSE(Object(RefOf(pod)).is_null());
}

}  // namespace
}  // namespace slipway::sim::operators
