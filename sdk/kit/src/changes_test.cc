#include <gtest/gtest.h>

#include <slipway/kit/changes.h>

namespace slipway::kit {
namespace {

How HowOf(std::string_view name) {
  return name == "hard" ? How::kRollingRestart : How::kReload;
}

std::string Told(const char* previous, const char* spec) {
  return ChangesOf(Json::Parse(previous), Json::Parse(spec), HowOf).Dump();
}

TEST(Changes, TellHowEachDifferenceTakesEffect) {
  const char* small = R"({"tier":"FREE","instances":1,"storage":"1Gi","memory":"1Gi","cpu":"1",
      "pod_monitor":false,"parameters":{"soft":"1","hard":"1","gone":"1","same":"1"}})";
  const char* large = R"({"tier":"STANDARD","instances":3,"storage":"2Gi","memory":"2Gi","cpu":"2",
      "pod_monitor":true,"parameters":{"soft":"2","hard":"2","new":"1","same":"1"}})";
  EXPECT_EQ(Told(small, small), "[]");
  EXPECT_EQ(
      Told(small, large),
      R"([{"path":"/tier","how":"NONE"},{"path":"/pod_monitor","how":"NONE"},)"
      R"({"path":"/instances","how":"IN_PLACE"},)"
      R"({"path":"/storage","how":"IN_PLACE","revertible":false},)"
      R"({"path":"/memory","how":"ROLLING_RESTART"},{"path":"/cpu","how":"ROLLING_RESTART"},)"
      R"({"path":"/parameters/gone","how":"RELOAD"},)"
      R"({"path":"/parameters/hard","how":"ROLLING_RESTART"},)"
      R"({"path":"/parameters/new","how":"RELOAD"},{"path":"/parameters/soft","how":"RELOAD"}])");
}

TEST(Changes, SayThatAMemberTakesItsVolumeAlong) {
  EXPECT_EQ(Told(R"({"instances":3})", R"({"instances":1})"),
            R"([{"path":"/instances","how":"IN_PLACE","loses":)"
            R"("2 of 3 members, each with its volume"}])");
}

}  // namespace
}  // namespace slipway::kit
