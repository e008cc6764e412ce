#include "engine/memory.h"

#include "engine/test_support.h"

namespace slipway::engine {
namespace {

class Remembered : public EngineDirectory {
 protected:
  std::string File() const { return (root_ / "registry.json").string(); }

  const EngineBytes bad_{"bad", "1.0.0", "sha-1", "settings-1"};
};

TEST_F(Remembered, SecondDeathInOneCallQuarantines) {
  Memory memory(File());
  EXPECT_EQ(memory.Count(bad_, "step").times, 1);
  EXPECT_EQ(memory.Count(bad_, "validate").times, 1);
  EXPECT_FALSE(memory.Quarantined(bad_));
  ASSERT_TRUE(memory.Save());

  Memory later(File());
  EXPECT_EQ(later.Count(bad_, "step").times, 2);
  ASSERT_TRUE(later.Quarantined(bad_));
  EXPECT_FALSE(later.Quarantined(bad_)->InLoading());
  const Error error = later.Quarantined(bad_)->ToError();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.reason, "EngineCrashed");
  EXPECT_EQ(error.message,
            "bad 1.0.0 ended the host 2 times in step and is not called again until its file or "
            "its settings change");
  EXPECT_FALSE(later.Quarantined({"bad", "1.0.0", "sha-2", "settings-1"})) << "other bytes";
  EXPECT_FALSE(later.Quarantined({"bad", "1.0.0", "sha-1", "settings-2"})) << "other settings";
}

TEST_F(Remembered, KnowsTypesAndWhoServesThem) {
  Memory memory(File());
  EXPECT_EQ(memory.TypeOf("a") + memory.Incumbent("T"), "");
  memory.SetType("a", "T");
  memory.SetIncumbent("T", "a");
  memory.SetIncumbent("T", "b");
  ASSERT_TRUE(memory.Save());
  Memory later(File());
  EXPECT_EQ(later.TypeOf("a"), "T");
  EXPECT_EQ(later.Incumbent("T"), "b");
  EXPECT_TRUE(later.ServedBefore("T", "a"));
  EXPECT_FALSE(later.ServedBefore("T", "b"));
  later.SetIncumbent("T", "a");
  EXPECT_FALSE(later.ServedBefore("T", "a"));
  EXPECT_TRUE(later.ServedBefore("T", "b"));
}

TEST_F(Remembered, SpoiltFileIsForgotten) {
  for (const char* text : {"", "{", "[]", "7", R"({"crashes":[{}],"types":[],"served":{"T":7}})"}) {
    Put("registry.json", text, 0600);
    Memory memory(File());
    EXPECT_FALSE(memory.Quarantined(bad_)) << text;
    memory.SetIncumbent("T", "a");
    EXPECT_TRUE(memory.Save());
    EXPECT_EQ(Memory(File()).Incumbent("T"), "a");
  }
}

TEST_F(Remembered, ForgetsTheOldestCrashes) {
  Memory memory(File());
  for (int i = 0; i < 1000; ++i)
    memory.Count({"bad", "1.0.0", "sha-" + std::to_string(i), ""}, "step");
  EXPECT_EQ(memory.Count({"bad", "1.0.0", "sha-999", ""}, "step").times, 2);
  EXPECT_EQ(memory.Count({"bad", "1.0.0", "sha-0", ""}, "step").times, 1);
}

}  // namespace
}  // namespace slipway::engine
