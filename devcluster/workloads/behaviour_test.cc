#include "devcluster/operators/kubelet.h"
#include "devcluster/operators/test_fixture.h"
#include "devcluster/workloads/operator.h"

namespace slipway::sim::operators::workloads {
namespace {

class WorkloadsTest : public FakeOperatorTest<Operator> {
 protected:
  void SetUp() override {
    auto fresh = std::make_unique<Operator>(fake, options,
                                            std::vector<std::string>{"redis.example"}, clock, log);
    const std::lock_guard lock(operator_mutex);
    op = std::move(fresh);
  }

  void OnChange(const FakeCluster::Change& change) override {
    const std::lock_guard lock(operator_mutex);
    if (op) op->Changed(change.object);
  }

  std::string Describe() override {
    std::string out;
    for (const Json& object : fake.Objects()) out += object.Dump() + "\n";
    return out;
  }

  std::vector<Json> Of(const char* kind) {
    std::vector<Json> out;
    for (const Json& object : fake.Objects())
      if (object["kind"].AsString() == kind) out.push_back(object);
    return out;
  }

  size_t Ready() {
    size_t out = 0;
    for (const Json& pod : Of("Pod")) out += PodReady(pod) ? 1 : 0;
    return out;
  }

  // A workload whose pod template has one container; `more` goes into the spec.
  static std::string Workload(const std::string& api, const std::string& kind,
                              const std::string& name, const std::string& more,
                              const std::string& annotations = "{}") {
    const bool job = kind == "Job" || kind == "CronJob";
    const std::string tmpl = R"("template":{"metadata":{"labels":{"app":")" + name +
                             R"("},"annotations":)" + annotations + R"(},"spec":{)" +
                             (job ? R"("restartPolicy":"Never",)" : "") +
                             R"("containers":[{"name":"c","image":"x:1"}]}})";
    const std::string spec =
        kind == "CronJob" ? R"("jobTemplate":{"spec":{)" + tmpl + "}}"
        : job             ? tmpl
                          : R"("selector":{"matchLabels":{"app":")" + name + R"("}},)" + tmpl;
    return R"({"apiVersion":")" + api + R"(","kind":")" + kind + R"(","metadata":{"name":")" +
           name + R"("},"spec":{)" + more + (more.empty() ? "" : ",") + spec + "}}";
  }

  static std::string Owner(const std::string& api, const std::string& kind, const Json& object) {
    return R"("ownerReferences":[{"apiVersion":")" + api + R"(","kind":")" + kind +
           R"(","name":")" + NameOf(object) + R"(","uid":")" + UidOf(object) +
           R"(","controller":true}])";
  }
};

TEST_F(WorkloadsTest, AStatefulSetGetsReadyPodsAndBoundClaims) {
  CreateText(Workload("apps/v1", "StatefulSet", "db",
                      R"("replicas":3,"serviceName":"db","volumeClaimTemplates":[{"metadata":
    {"name":"data"},"spec":{"accessModes":["ReadWriteMany"],"resources":{"requests":{"storage":"1Gi"}}}}])"));
  ASSERT_TRUE(Eventually([&] {
    return Object({"apps/v1", "StatefulSet", "acme", "db"}).At("/status/readyReplicas") == Json(3);
  }));
  EXPECT_EQ(Ready(), 3U);
  for (const Json& claim : Of("PersistentVolumeClaim")) {
    EXPECT_EQ(claim.At("/status/phase").AsString(), "Bound");
    EXPECT_EQ(claim.At("/status/accessModes"), Json::Arr({"ReadWriteMany"}));
  }
  ASSERT_TRUE(fake.Delete({"v1", "Pod", "acme", "db-1"}, {}));
  EXPECT_TRUE(Eventually([&] { return Ready() == 3; }));
}

TEST_F(WorkloadsTest, ADeploymentBecomesAvailableAndRolls) {
  CreateText(Workload("apps/v1", "Deployment", "web", R"("replicas":2)"));
  const kube::ObjectRef ref{"apps/v1", "Deployment", "acme", "web"};
  ASSERT_TRUE(Eventually([&] {
    return ConditionTrue(Object(ref), "Available") &&
           Object(ref).At("/status/readyReplicas") == Json(2);
  }));
  ASSERT_TRUE(fake.Patch(
      ref, kube::PatchType::kMerge,
      *Json::Parse(R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"x:2"}]}}}})"),
      ""));
  EXPECT_TRUE(Eventually([&] {
    size_t fresh = 0;
    for (const Json& pod : Of("Pod"))
      fresh += pod.At("/spec/containers/0/image") == Json("x:2") && PodReady(pod) ? 1 : 0;
    return fresh == 2 && Of("Pod").size() == 2;
  }));
}

TEST_F(WorkloadsTest, AJobRunsToItsEnd) {
  CreateText(Workload("batch/v1", "Job", "load", R"("completions":3,"parallelism":2)"));
  const kube::ObjectRef ref{"batch/v1", "Job", "acme", "load"};
  ASSERT_TRUE(Eventually([&] { return JobComplete(Object(ref)); }));
  EXPECT_EQ(Object(ref).At("/status/succeeded"), Json(3));
  EXPECT_TRUE(Object(ref).At("/status/completionTime").is_string());
  EXPECT_EQ(Of("Pod").size(), 3U);
}

TEST_F(WorkloadsTest, AJobWhosePodsFailFails) {
  CreateText(Workload("batch/v1", "Job", "load", R"("backoffLimit":2)",
                      R"({"slipway.dev/sim-fault":"fails"})"));
  const kube::ObjectRef ref{"batch/v1", "Job", "acme", "load"};
  ASSERT_TRUE(Eventually([&] { return JobFailed(Object(ref)); }));
  EXPECT_EQ(Object(ref).At("/status/failed"), Json(3));
}

TEST_F(WorkloadsTest, ASuspendedJobWaitsAndAnOldOneGoes) {
  CreateText(Workload("batch/v1", "Job", "later", R"("suspend":true)"));
  CreateText(Workload("batch/v1", "Job", "gone", R"("ttlSecondsAfterFinished":0)"));
  ASSERT_TRUE(Eventually([&] { return Object({"batch/v1", "Job", "acme", "gone"}).is_null(); }));
  EXPECT_TRUE(Of("Pod").empty());
  ASSERT_TRUE(fake.Patch({"batch/v1", "Job", "acme", "later"}, kube::PatchType::kMerge,
                         *Json::Parse(R"({"spec":{"suspend":false}})"), ""));
  EXPECT_TRUE(Eventually([&] {
    return JobComplete(Object({"batch/v1", "Job", "acme", "later"}));
  }));
}

TEST_F(WorkloadsTest, ACronJobMakesJobsAndForgetsOldOnes) {
  const std::string long_ago =
      R"({"metadata":{"creationTimestamp":"2020-01-01T00:00:00Z"},"status":{"lastScheduleTime":null}})";
  CreateText(Workload("batch/v1", "CronJob", "nightly",
                      R"("schedule":"0 0 1 1 *","successfulJobsHistoryLimit":1)"));
  const kube::ObjectRef ref{"batch/v1", "CronJob", "acme", "nightly"};
  EXPECT_TRUE(Of("Job").empty());
  ASSERT_TRUE(fake.Patch(ref, kube::PatchType::kMerge, *Json::Parse(long_ago), ""));
  ASSERT_TRUE(Eventually([&] { return Of("Job").size() == 1 && JobComplete(Of("Job")[0]); }));
  EXPECT_EQ(Of("Job")[0].At("/metadata/ownerReferences/0/uid").AsString(), UidOf(Object(ref)));
  EXPECT_TRUE(Eventually([&] {
    const Json status = Object(ref)["status"];
    return status["lastSuccessfulTime"].is_string() && !status.Has("active") &&
           status["lastScheduleTime"].AsString().ends_with("-01-01T00:00:00Z");
  }));
}

TEST_F(WorkloadsTest, WhatAnOperatorsBehaviourPlaysIsLeftAlone) {
  const Json redis =
      CreateText(R"({"apiVersion":"redis.example/v1","kind":"Redis","metadata":{"name":"cache"}})");
  auto set = Json::Parse(Workload("apps/v1", "StatefulSet", "cache", R"("replicas":1)"));
  (*set)["metadata"].MergePatch(
      *Json::Parse("{" + Owner("redis.example/v1", "Redis", redis) + "}"));
  const Json owned = Create(*set);
  const std::string pod = R"("spec":{"containers":[{"name":"c","image":"x:1"}]}})";
  CreateText(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"theirs",)" +
             Owner("apps/v1", "StatefulSet", owned) + "}," + pod);
  CreateText(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"ours"},)" + pod);
  ASSERT_TRUE(Eventually([&] { return PodReady(Object({"v1", "Pod", "acme", "ours"})); }));
  SettledChanges();
  EXPECT_FALSE(PodPlaced(Object({"v1", "Pod", "acme", "theirs"})));
  EXPECT_EQ(Of("Pod").size(), 2U);
}

TEST_F(WorkloadsTest, APodWaitsForWhatItMounts) {
  CreateText(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{
    "containers":[{"name":"c","image":"x:1","readinessProbe":{"tcpSocket":{"port":1}}}],
    "volumes":[{"name":"v","secret":{"secretName":"s"}},
               {"name":"d","persistentVolumeClaim":{"claimName":"data"}}]}})");
  const kube::ObjectRef ref{"v1", "Pod", "acme", "p"};
  ASSERT_TRUE(Eventually([&] {
    return ConditionOf(Object(ref), "PodScheduled")["message"].AsString().find(
               "persistentvolumeclaim \"data\" not found") != std::string::npos;
  }));
  CreateText(R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data"}})");
  ASSERT_TRUE(Eventually([&] {
    const auto events = Of("Event");
    return !events.empty() &&
           events[0]["message"].AsString() ==
               "MountVolume.SetUp failed for volume \"v\" : secret \"s\" not found";
  }));
  EXPECT_FALSE(PodRunning(Object(ref)));
  CreateText(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}})");
  EXPECT_TRUE(Eventually([&] { return PodReady(Object(ref)); }));
}

TEST_F(WorkloadsTest, AServiceOfSuchPodsSaysThatNoServerAnswers) {
  const char* service =
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"%s"},"spec":{"selector":{"app":"%s"}}})";
  for (const char* name : {"web", "other"}) {
    char text[200];
    std::snprintf(text, sizeof text, service, name, name);
    CreateText(text);
  }
  CreateText(Workload("apps/v1", "Deployment", "web", ""));
  const auto marked = [this](const char* name) {
    return AnnotationOf(Object({"v1", "Service", "acme", name}), "slipway.dev/simulated")
               .find("no program") != std::string::npos;
  };
  EXPECT_TRUE(Eventually([&] { return marked("web"); }));
  CreateText(
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"late"},"spec":{"selector":{"app":"web"}}})");
  EXPECT_TRUE(Eventually([&] { return marked("late"); }));
  EXPECT_EQ(AnnotationOf(Object({"v1", "Service", "acme", "other"}), "slipway.dev/simulated"), "");
}

}  // namespace
}  // namespace slipway::sim::operators::workloads
