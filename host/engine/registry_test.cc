#include "base/crypto.h"
#include "engine/inputs.h"
#include "engine/results.h"
#include "engine/test_support.h"

namespace slipway::engine {
namespace {

class Registries : public EngineDirectory {};

TEST_F(Registries, ListsWhatItLoaded) {
  const std::string path = Install(SLIPWAY_ENGINE_FAKE, "fake.so");
  Configure("fake.yaml", "fake", "../fake.so");
  Registry registry(Options(), clock_, log_, metrics_);
  EXPECT_TRUE(registry.List().empty());
  registry.Reload();
  ASSERT_EQ(registry.List().size(), 1u);
  const EngineStatus status = registry.List()[0];
  EXPECT_EQ(status.name, "fake");
  EXPECT_EQ(status.state, EngineState::kLoaded);
  EXPECT_STREQ(EngineStateName(status.state), "LOADED");
  EXPECT_EQ(status.database_type, "FAKE");
  EXPECT_EQ(status.version, "1.0.0");
  EXPECT_EQ(status.abi_major, 1);
  EXPECT_EQ(status.path, path);
  EXPECT_EQ(status.sha256, Sha256Hex(ReadFileOrDie(path)));
  EXPECT_EQ(status.verbs.size(), 2u);
  EXPECT_TRUE(status.reason.empty()) << status.message;
  EXPECT_EQ(registry.ForType("ORACLE").error().reason, "EngineUnknown");
  EXPECT_EQ(registry.ForType("ORACLE").error().message,
            "no engine provides \"ORACLE\"; known types: FAKE");
  EXPECT_EQ(registry.ForType("").error().code, Code::kUnsupported);
}

TEST_F(Registries, BrokenNeighbourHidesNobody) {
  Configure("a.yaml", "missing", "../missing.so");
  Put("engines.d/b.yaml", "{{{", 0644);
  Configure("c.yaml", "fake", Install(SLIPWAY_ENGINE_FAKE, "fake.so"));
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  ASSERT_EQ(registry.List().size(), 3u);
  EXPECT_EQ(registry.List()[0].reason, "NotFound");
  EXPECT_EQ(registry.List()[1].reason, "BadConfig");
  EXPECT_TRUE(registry.ForType("FAKE"));
  EXPECT_EQ(registry.ForType("MISSING").error().message,
            "no engine provides \"MISSING\"; known types: FAKE; not loaded: missing (NotFound)");
}

TEST_F(Registries, BrokenFileOfAKnownTypeIsNamed) {
  Configure("fake.yaml", "fake", Install(SLIPWAY_ENGINE_FAKE, "fake.so"));
  { Registry(Options(), clock_, log_, metrics_).Reload(); }
  Put("fake.so", "oops", 0644);
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  EXPECT_EQ(registry.List().at(0).database_type, "FAKE") << "as it was when it loaded";
  const auto broken = registry.ForType("FAKE");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().reason, "EngineUnavailable");
  EXPECT_EQ(broken.error().message, "fake is NotElf: not an ELF file");
  EXPECT_EQ(registry.ForName("fake").error().message, broken.error().message);
}

TEST_F(Registries, ReloadDisablesAndRemoves) {
  const std::string path = Install(SLIPWAY_ENGINE_FAKE, "fake.so");
  Configure("fake.yaml", "fake", path);
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  const auto held = registry.ForType("FAKE");
  ASSERT_TRUE(held);
  Configure("fake.yaml", "fake", path, "enabled: false\n");
  registry.Reload();
  EXPECT_EQ(registry.List().at(0).state, EngineState::kDisabled);
  EXPECT_EQ(registry.List().at(0).reason, "Disabled");
  const auto gone = registry.ForType("FAKE");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().reason, "EngineUnavailable");
  EXPECT_TRUE((*held)->Plan(Json::MakeObject())) << "who holds it may finish";
  EXPECT_TRUE(registry.ForSha("fake", (*held)->sha256()))
      << "running operations keep their version";
  std::filesystem::remove(root_ / "engines.d/fake.yaml");
  registry.Reload();
  EXPECT_TRUE(registry.List().empty());
}

TEST_F(Registries, ReloadTakesTheNewVersionAndKeepsTheOldByItsDigest) {
  Configure("fake.yaml", "fake", Install(SLIPWAY_ENGINE_FAKE, "fake.so"));
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  const std::string old_sha = (*registry.ForType("FAKE"))->sha256();
  Install(SLIPWAY_ENGINE_FAKE_NEXT, "fake.so");
  registry.Reload();
  const auto current = registry.ForType("FAKE");
  ASSERT_TRUE(current);
  EXPECT_EQ((*current)->version(), "1.1.0");
  EXPECT_NE((*current)->sha256(), old_sha);
  const auto pinned = registry.ForSha("fake", old_sha);
  ASSERT_TRUE(pinned);
  EXPECT_EQ((*pinned)->version(), "1.0.0");
}

TEST_F(Registries, OldVersionComesBackFromTheStageAfterARestart) {
  Configure("fake.yaml", "fake", Install(SLIPWAY_ENGINE_FAKE, "fake.so"));
  std::string old_sha;
  {
    Registry registry(Options(), clock_, log_, metrics_);
    registry.Reload();
    old_sha = registry.List().at(0).sha256;
  }
  Install(SLIPWAY_ENGINE_FAKE_NEXT, "fake.so");
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  const auto pinned = registry.ForSha("fake", old_sha);
  ASSERT_TRUE(pinned) << pinned.error().message;
  EXPECT_EQ((*pinned)->version(), "1.0.0");
  EXPECT_EQ(registry.ForSha("fake", std::string(64, '0')).error().reason, "EngineVersionMissing");
  EXPECT_EQ(registry.ForSha("fake", "../../etc/passwd").error().reason, "EngineVersionMissing");
  EXPECT_EQ(registry.ForSha("nobody", old_sha).error().reason, "EngineVersionMissing");
}

TEST_F(Registries, BrokenReplacementLeavesTheWorkingEngine) {
  Configure("fake.yaml", "fake", Install(SLIPWAY_ENGINE_FAKE, "fake.so"));
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  Put("fake.so", "oops", 0644);
  registry.Reload();
  EXPECT_TRUE(registry.ForType("FAKE"));
  EXPECT_EQ(registry.List().at(0).state, EngineState::kLoaded);
  EXPECT_EQ(registry.List().at(0).reason, "NotElf") << "and the status says what is wrong";
  EXPECT_EQ(registry.List().at(0).version, "1.0.0");
  Install(SLIPWAY_ENGINE_FAKE_NEXT, "fake.so");
  registry.Reload();
  EXPECT_EQ(registry.List().at(0).version, "1.1.0");
  EXPECT_EQ(registry.List().at(0).reason, "");
}

TEST_F(Registries, ChangedSettingsOpenTheEngineAgain) {
  const std::string path = Install(SLIPWAY_ENGINE_FAKE, "fake.so");
  Configure("fake.yaml", "fake", path);
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  const auto first = *registry.ForType("FAKE");
  registry.Reload();
  EXPECT_EQ(first, *registry.ForType("FAKE")) << "nothing changed";
  Configure("fake.yaml", "fake", path, "settings: {size: 3}\n");
  registry.Reload();
  EXPECT_NE(first, *registry.ForType("FAKE"));
}

TEST_F(Registries, CheckConfigNamesEveryProblem) {
  Put("engines.d/a.yaml", "name: Not A Name\nsha256: short\nenabled: perhaps\nsettings: 3\n", 0644);
  Put("engines.d/b.yaml", "name: fake\npath: x.so\nsettings:\n  any: thing\npaht: y\n", 0644);
  Put("engines.d/c.yaml", "name: fake\npath: x.so\n", 0644);
  Put("engines.d/d.yaml", "name: [\n", 0644);
  Put("engines.d/README", "not looked at", 0644);
  Put("engines.d/e.yaml", "name: gone\npath: ../gone.so\ntakes_over: No One\n", 0644);
  Put("text.so", "hello", 0644);
  Put("engines.d/f.yaml", "name: text\npath: ../text.so\n", 0644);
  Put("engines.d/g.yaml", "name: gone\npath: ../gone.so\n", 0644);
  Put("engines.d/h.yaml", "name: off\npath: ../gone.so\nenabled: false\n", 0644);
  Configure("i.yaml", "fine", Install(SLIPWAY_ENGINE_FAKE, "fake.so"));
  const std::string dir = Options().config_dir;
  const auto problems = Registry::CheckConfig(dir);
  ASSERT_EQ(problems.size(), 14u);
  EXPECT_EQ(problems[0].rfind(dir + "/a.yaml:1:1: name must match", 0), 0u) << problems[0];
  EXPECT_EQ(problems[1].rfind(dir + "/a.yaml:2:1: sha256", 0), 0u) << problems[1];
  EXPECT_EQ(problems[2], dir + "/a.yaml:3:1: enabled must be true or false");
  EXPECT_EQ(problems[3], dir + "/a.yaml:4:1: settings must be a mapping");
  EXPECT_NE(problems[4].find("path is required"), std::string::npos);
  EXPECT_EQ(problems[5], dir + "/b.yaml:5:1: unknown key \"paht\"");
  EXPECT_NE(problems[6].find("configures fake already"), std::string::npos);
  EXPECT_NE(problems[7].find("/c.yaml: NotFound: "), std::string::npos) << problems[7];
  EXPECT_EQ(problems[8].rfind(dir + "/d.yaml:", 0), 0u) << problems[8];
  EXPECT_EQ(problems[9], dir + "/e.yaml:3:1: takes_over must be the name of an engine");
  EXPECT_EQ(problems[10], dir + "/f.yaml: NotElf: not an ELF file");
  EXPECT_NE(problems[11].find("configures gone already"), std::string::npos) << problems[11];
  EXPECT_NE(problems[12].find("/g.yaml: NotFound: "), std::string::npos) << problems[12];
  EXPECT_NE(problems[13].find("/i.yaml: NameMismatch: "), std::string::npos) << problems[13];
  EXPECT_TRUE(Registry::CheckConfig("/nowhere").empty());
}

TEST_F(Registries, SuccessorCarriesOnWhatItSays) {
  Configure("bad.yaml", "bad", Install(SLIPWAY_ENGINE_BAD_NEXT, "bad.so"));
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  for (const char* version : {"0.9.0", "1.0.0", "1.0.17"}) {
    const auto successor = registry.SuccessorOf("bad", version);
    ASSERT_TRUE(successor) << version;
    EXPECT_EQ((*successor)->version(), "1.1.0");
  }
  for (const char* version : {"0.9.1", "1.0", "1.10.0", "1.1.0", "2.0.0", ""}) {
    const auto none = registry.SuccessorOf("bad", version);
    ASSERT_FALSE(none) << version;
    EXPECT_EQ(none.error().code, Code::kUnavailable);
    EXPECT_EQ(none.error().reason, "NoSuccessor");
  }
  EXPECT_EQ(registry.SuccessorOf("nobody", "1.0.0").error().reason, "EngineUnavailable");
}

TEST_F(Registries, EngineOfContract10WorksWithThisHost) {
  Configure("frozen.yaml", "frozen", Install(SLIPWAY_ENGINE_FROZEN_1_0, "frozen.so"));
  Registry registry(Options(), clock_, log_, metrics_);
  registry.Reload();
  const auto found = registry.ForType("FROZEN");
  ASSERT_TRUE(found) << registry.List().at(0).message;
  Engine& engine = **found;
  EXPECT_EQ(registry.List().at(0).abi_minor, 0);

  ValidateInput validate;
  validate.verb = "create";
  const auto validated = engine.Validate(validate.ToJson(), nullptr);
  ASSERT_TRUE(validated) << validated.error().message;
  EXPECT_EQ(ReadValidate(*validated)->spec["tier"].AsString(), "FREE");
  validate.spec.Set("wrong", true);
  EXPECT_EQ(engine.Validate(validate.ToJson(), nullptr).error().field, "/wrong");

  PlanInput plan;
  plan.verb = "create";
  plan.operation_id = "op-1";
  const auto planned = engine.Plan(plan.ToJson());
  ASSERT_TRUE(planned) << planned.error().message;
  const auto stages = ReadPlan(*planned);
  EXPECT_EQ(stages->stages.size(), 2u);

  StepInput step;
  step.verb = "create";
  step.stage = "CRD_DEPLOYMENT";
  step.carry = stages->carry;
  const auto first = engine.Step(step.ToJson());
  ASSERT_TRUE(first) << first.error().message;
  const auto asked = ReadStep(*first);
  EXPECT_EQ(std::get<ApplyEffect>(asked->effects.at(0)).object["kind"].AsString(), "ConfigMap");
  EXPECT_EQ(asked->verdict.waiting_for->name, "frozen");
  step.observed.Push(std::get<ApplyEffect>(asked->effects.at(0)).object);
  EXPECT_EQ(ReadStep(*engine.Step(step.ToJson()))->verdict.state, Verdict::State::kReady);
  step.stage = "RESOURCE_DELETION";
  step.verb = "delete";
  const auto deleted = ReadStep(*engine.Step(step.ToJson()));
  EXPECT_EQ(std::get<DeleteEffect>(deleted->effects.at(0)).object.name, "frozen");
}

}  // namespace
}  // namespace slipway::engine
