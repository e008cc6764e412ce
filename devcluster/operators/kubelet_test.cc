#include "devcluster/operators/kubelet.h"

#include "devcluster/operators/test_fixture.h"

namespace slipway::sim::operators {
namespace {

class KubeletTest : public FakeClusterTest {
 protected:
  void OnChange(const FakeCluster::Change&) override {}

  std::string Describe() override { return ""; }

  Json Create(const std::string& text) {
    auto created = fake.Create(*Json::Parse(text));
    EXPECT_TRUE(created);
    return created ? *created : Json();
  }

  Json CreatePod() {
    return Create(
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"orders-1","namespace":"acme"},
        "spec":{"containers":[{"name":"a","image":"x:1"},{"name":"b","image":"x:1"}]}})");
  }

  // Runs passes until nothing has to be done at once.
  template <class F>
  void Passes(F one) {
    for (int i = 0; i < 20; ++i) {
      TestPass pass(env, memory);
      auto done = one(pass);
      ASSERT_TRUE(done) << done.error().message;
      if (pass.NextMs() != 0) return;
    }
    FAIL() << "never quiet";
  }

  PassEnvironment env{fake, clock, log, 0};
  PassMemory memory;
};

TEST_F(KubeletTest, SchedulesInTheSecondPass) {
  Json pod = CreatePod();
  TestPass first(env, memory);
  EXPECT_FALSE(*Schedule(first, pod, "slipway-sim-1", ""));
  EXPECT_EQ(first.NextMs(), 0);
  TestPass second(env, memory);
  EXPECT_TRUE(*Schedule(second, pod, "slipway-sim-1", ""));
  EXPECT_EQ(pod.At("/spec/nodeName").AsString(), "slipway-sim-1");
  EXPECT_TRUE(PodPlaced(pod));
}

TEST_F(KubeletTest, SaysWhyAPodIsNotScheduled) {
  Json pod = CreatePod();
  Passes([&](Pass& pass) { return Schedule(pass, pod, "slipway-sim-1", "unschedulable"); });
  EXPECT_EQ(ConditionOf(pod, "PodScheduled")["reason"].AsString(), "Unschedulable");
  EXPECT_FALSE(PodPlaced(pod));
}

TEST_F(KubeletTest, ContainersBecomeReadyOneByOne) {
  Json pod = CreatePod();
  TestPass pass(env, memory);
  ASSERT_TRUE(SetRunning(pass, pod, false));
  ASSERT_TRUE(SetContainersReady(pass, pod, {"b"}));
  EXPECT_FALSE(PodReady(pod));
  EXPECT_FALSE(pod.At("/status/containerStatuses/0/ready").AsBool());
  EXPECT_TRUE(pod.At("/status/containerStatuses/1/ready").AsBool());
  ASSERT_TRUE(SetContainersReady(pass, pod, {"a", "b"}));
  EXPECT_TRUE(PodReady(pod));
  ASSERT_TRUE(SetReady(pass, pod, false));
  EXPECT_EQ(pod.At("/status/containerStatuses/0/restartCount").AsInt(), 1);
}

TEST_F(KubeletTest, RunsAJobToItsEnd) {
  Json job =
      Create(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"load","namespace":"acme"},
      "spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"x:1"}]}}}})");
  Json pod;
  Passes([&](Pass& pass) -> Result<void> {
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == "Pod") pod = object;
    if (JobComplete(job) || JobFailed(job)) return {};
    return PlayJob(pass, job, pod.is_null() ? nullptr : &pod,
                   {"slipway-sim-1", "", {}, [](std::string&) { return true; }});
  });
  EXPECT_TRUE(JobComplete(job));
  EXPECT_EQ(job.At("/status/succeeded").AsInt(), 1);
  EXPECT_EQ(pod.At("/status/phase").AsString(), "Succeeded");
  EXPECT_EQ(LabelOf(pod, "job-name"), "load");
  EXPECT_EQ(LabelOf(pod, "a"), "b");
  EXPECT_EQ(pod.At("/metadata/ownerReferences/0/uid").AsString(), UidOf(job));
}

TEST_F(KubeletTest, PublishesAPortOnceAndKeepsIt) {
  const kube::ObjectRef ref{"v1", "Service", "acme", "orders-rw"};
  TestPass pass(env, memory);
  pass.PublishPort("acme", "orders-rw", 0);  // there is no such Service yet
  Create(
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"orders-rw","namespace":"acme"},"spec":{}})");
  pass.PublishPort("acme", "orders-rw", 0);
  EXPECT_EQ(Object(ref).At("/spec/type").AsString(), "LoadBalancer") << "an address is to come";
  EXPECT_FALSE(Object(ref).At("/status/loadBalancer").Has("ingress"));
  pass.PublishPort("acme", "orders-rw", 21234);
  EXPECT_EQ(Object(ref).At("/status/loadBalancer/ingress/0/ports/0/port").AsInt(), 21234);
  pass.PublishPort("acme", "orders-rw", 0);
  EXPECT_EQ(Object(ref).At("/status/loadBalancer/ingress/0/ports/0/port").AsInt(), 21234)
      << "a server restarts, the address stays";
  pass.PublishPort("acme", "orders-rw", 21235);
  EXPECT_EQ(Object(ref).At("/status/loadBalancer/ingress/0/ports/0/port").AsInt(), 21235);
}

TEST_F(KubeletTest, AnAddressThatCannotBeWrittenIsTriedAgain) {
  const kube::ObjectRef ref{"v1", "Service", "acme", "orders-rw"};
  Create(
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"orders-rw","namespace":"acme"},"spec":{}})");
  for (const int write : {0, 1}) {  // the type of the Service, its address
    memory = {};
    TestPass refused(env, memory);
    fake.FailOnce(write - 1);
    refused.PublishPort("acme", "orders-rw", 21234);
    EXPECT_FALSE(Object(ref).At("/status/loadBalancer").Has("ingress"));
    EXPECT_GT(refused.NextMs(), 0);
  }
  TestPass again(env, memory);
  again.PublishPort("acme", "orders-rw", 21234);
  EXPECT_TRUE(Object(ref).At("/status/loadBalancer").Has("ingress"));
  EXPECT_LT(again.NextMs(), 0);
}

}  // namespace
}  // namespace slipway::sim::operators
