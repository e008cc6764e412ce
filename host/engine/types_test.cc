// Chooses the engine that serves a database type when several could.
#include "engine/test_support.h"

namespace slipway::engine {
namespace {

class Types : public EngineDirectory {
 protected:
  Types() {
    Configure("b.yaml", "fake", Install(SLIPWAY_ENGINE_FAKE, "fake.so"));
    twin_ = Install(SLIPWAY_ENGINE_FAKE_TWIN, "twin.so");
    Start();
  }

  // Starts again, as a new process would.
  void Start() {
    registry_.reset();
    registry_ = std::make_unique<Registry>(Options(), clock_, log_, metrics_);
    registry_->Reload();
  }

  EngineStatus Status(const std::string& name) {
    for (const EngineStatus& status : registry_->List())
      if (status.name == name) return status;
    return {};
  }

  std::string Serving() {
    const auto engine = registry_->ForType("FAKE");
    return engine ? (*engine)->name() : engine.error().reason;
  }

  std::string twin_;
  std::unique_ptr<Registry> registry_;
};

TEST_F(Types, IncumbentStaysWhateverTheFilesAreCalled) {
  Configure("a.yaml", "twin", twin_);
  registry_->Reload();
  EXPECT_EQ(Serving(), "fake");
  EXPECT_EQ(Status("twin").state, EngineState::kRefused);
  EXPECT_EQ(Status("twin").reason, "TypeTaken");
  EXPECT_EQ(Status("twin").message, "FAKE is served by fake; `takes_over: fake` in " +
                                        (root_ / "engines.d/a.yaml").string() +
                                        " gives it to twin");
  Start();
  EXPECT_EQ(Serving(), "fake") << "and after a restart";
  EXPECT_EQ(Status("twin").reason, "TypeTaken");
}

TEST_F(Types, FirstFileServesAtAColdStart) {
  Configure("a.yaml", "twin", twin_);
  std::filesystem::remove_all(root_ / "state");
  Start();
  EXPECT_EQ(Serving(), "twin");
  EXPECT_EQ(Status("fake").reason, "TypeTaken");
}

TEST_F(Types, TakeOverWantsAWord) {
  Configure("a.yaml", "twin", twin_, "takes_over: nobody\n");
  registry_->Reload();
  EXPECT_EQ(Serving(), "fake");
  Configure("a.yaml", "twin", twin_, "takes_over: fake\n");
  registry_->Reload();
  for (int start = 0; start < 3; ++start) {
    EXPECT_EQ(Serving(), "twin");
    EXPECT_EQ(Status("twin").reason, "");
    EXPECT_EQ(Status("fake").state, EngineState::kLoaded);
    EXPECT_EQ(Status("fake").reason, "TakenOver");
    const auto own = registry_->ForName("fake");
    ASSERT_TRUE(own) << "its instances stay with it";
    EXPECT_EQ((*own)->name(), "fake");
    if (start == 1) Configure("a.yaml", "twin", twin_);  // takes_over is needed once
    Start();
  }
  Configure("b.yaml", "fake", (root_ / "fake.so").string(), "takes_over: twin\n");
  registry_->Reload();
  EXPECT_EQ(Serving(), "fake") << "and back";
  EXPECT_EQ(Status("twin").reason, "TakenOver");
}

TEST_F(Types, BrokenOrDisabledIncumbentKeepsItsPlace) {
  Configure("a.yaml", "twin", twin_);
  Configure("b.yaml", "fake", (root_ / "fake.so").string(), "enabled: false\n");
  Start();
  EXPECT_EQ(Serving(), "EngineUnavailable");
  EXPECT_EQ(Status("twin").reason, "TypeTaken");
  Configure("b.yaml", "fake", (root_ / "gone.so").string());
  Start();
  EXPECT_EQ(Serving(), "EngineUnavailable");
  EXPECT_NE(registry_->ForType("FAKE").error().message.find("fake is NotFound"), std::string::npos);
  std::filesystem::remove(root_ / "engines.d/b.yaml");
  Start();
  EXPECT_EQ(Serving(), "twin") << "who removes the file gives up the type";
  EXPECT_EQ(registry_->ForName("fake").error().reason, "EngineUnavailable");
}

TEST_F(Types, NewVersionOfTheIncumbentServes) {
  Configure("a.yaml", "twin", twin_);
  Install(SLIPWAY_ENGINE_FAKE_NEXT, "fake.so");
  registry_->Reload();
  EXPECT_EQ(Serving(), "fake");
  EXPECT_EQ((*registry_->ForName("fake"))->version(), "1.1.0");
}

}  // namespace
}  // namespace slipway::engine
