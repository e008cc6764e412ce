#include <optional>
#include <string>

#include <gtest/gtest.h>

#include <slipway/kit/pods.h>

namespace slipway::kit {
namespace {

Json Pod(const char* name, const char* waiting) {
  return Json::Obj(
      {{"kind", "Pod"},
       {"metadata", Json::Obj({{"name", name}})},
       {"status",
        Json::Obj(
            {{"phase", "Pending"},
             {"containerStatuses",
              Json::Arr({Json::Obj(
                  {{"state", Json::Obj({{"waiting", Json::Obj({{"reason", waiting}})}})}})})}})}});
}

Json Volume(const char* name, const char* phase) {
  return Json::Obj({{"kind", "PersistentVolumeClaim"},
                    {"metadata", Json::Obj({{"name", name}})},
                    {"status", Json::Obj({{"phase", phase}})}});
}

std::optional<Trouble> Of(const char* reason, int severity) {
  return Trouble{nullptr, reason, "", severity};
}

TEST(Worse, IsTheFirstOfTheHighestSeverity) {
  EXPECT_EQ(Worse(Of("a", 2), Of("b", 2))->reason, "a");
  EXPECT_EQ(Worse(Of("a", 2), Of("b", 3))->reason, "b");
  EXPECT_EQ(Worse(Of("a", 3), Of("b", 2))->reason, "a");
  EXPECT_EQ(Worse(std::nullopt, Of("b", 0))->reason, "b");
  EXPECT_EQ(Worse(Of("a", 0), std::nullopt)->reason, "a");
  EXPECT_FALSE(Worse(std::nullopt, std::nullopt).has_value());
}

TEST(Worst, OfPodsAndVolumes) {
  const Json fine = Pod("p0", "ContainerCreating"), first = Pod("p1", "ErrImagePull"),
             second = Pod("p2", "CrashLoopBackOff");
  EXPECT_EQ(WorstOfPods({&fine, &first, &second})->object, &first);
  EXPECT_FALSE(WorstOfPods({&fine}).has_value());
  const Json pending = Volume("v0", "Pending"), lost = Volume("v1", "Lost"),
             bound = Volume("v2", "Bound");
  EXPECT_EQ(WorstOfVolumes({&bound, &pending, &lost})->reason, "VolumeLost");
  EXPECT_FALSE(WorstOfVolumes({}).has_value());
}

TEST(Watches, KeepWhatTheTroublesRead) {
  const Json pods = WatchPods({"/spec/nodeName"});
  EXPECT_EQ(pods["keep"].items().front().AsString(), "/spec/nodeName");
  EXPECT_EQ(pods["keep"].items().size(), 7U);
  EXPECT_EQ(WatchVolumes()["kind"].AsString(), "PersistentVolumeClaim");
}

}  // namespace
}  // namespace slipway::kit
