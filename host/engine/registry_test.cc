#include "base/crypto.h"
#include "engine/documents.h"
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
  const std::string dir = Options().config_dir;
  const auto problems = Registry::CheckConfig(dir);
  ASSERT_EQ(problems.size(), 8u);
  EXPECT_EQ(problems[0].rfind(dir + "/a.yaml:1:1: name must match", 0), 0u) << problems[0];
  EXPECT_EQ(problems[1].rfind(dir + "/a.yaml:2:1: sha256", 0), 0u) << problems[1];
  EXPECT_EQ(problems[2], dir + "/a.yaml:3:1: enabled must be true or false");
  EXPECT_EQ(problems[3], dir + "/a.yaml:4:1: settings must be a mapping");
  EXPECT_NE(problems[4].find("path is required"), std::string::npos);
  EXPECT_EQ(problems[5], dir + "/b.yaml:5:1: unknown key \"paht\"");
  EXPECT_NE(problems[6].find("configures fake already"), std::string::npos);
  EXPECT_EQ(problems[7].rfind(dir + "/d.yaml:", 0), 0u) << problems[7];
  EXPECT_TRUE(Registry::CheckConfig("/nowhere").empty());
}

TEST(Documents, ALoginProofMayNameADatabase) {
  const auto parse = [](const std::string& proof) {
    return ParseDescribe(R"({"schema":1,"engine":"fake","version":"1","title":"Fake",
        "database_type":"FAKE","verbs":["create"],"capabilities":{},"name_limit":9,
        "parameters_schema":{},"watches":[],"applies":[],"login_proof":)" +
                             proof + "}",
                         "fake", "1");
  };
  EXPECT_TRUE(parse(R"({"protocol":"p","endpoint":"e","statement":"s","database":"app"})"));
  EXPECT_TRUE(parse(R"({"protocol":"p","endpoint":"e","statement":"s"})"));
  EXPECT_EQ(parse(R"({"protocol":"p","endpoint":"e","statement":"s","database":7})").error().field,
            "/login_proof/database");
}

TEST(Documents, NameThePlaceOfTheFirstMistake) {
  const struct {
    Result<Json> (*parse)(std::string_view);
    const char* text;
    const char* field;
  } cases[] = {
      {ParseValidate, R"({"schema":2,"spec":{}})", "/schema"},
      {ParseValidate, R"({"schema":1})", "/spec"},
      {ParseValidate, R"({"schema":1,"spec":{},"warnings":[{"field":"/x"}]})",
       "/warnings/0/message"},
      {ParsePlan, R"({"schema":1})", "/stages"},
      {ParsePlan, R"({"schema":1,"stages":[{"title":"x"}]})", "/stages/0/name"},
      {ParsePlan, R"({"schema":1,"stages":[{"name":"A","skip":{}}]})", "/stages/0/skip/reason"},
      {ParsePlan, R"({"schema":1,"stages":[],"quota":{"pods":3}})", "/quota/pods"},
      {ParseStep, R"({"schema":1})", "/verdict"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"skipped"}})", "/verdict/reason"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"apply":[{"kind":"Pod"}]})",
       "/apply/0/apiVersion"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"delete":[7]})", "/delete/0"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"need":{"a/b":{}}})",
       "/need/a~1b/apiVersion"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"retry_after_ms":"1"})",
       "/retry_after_ms"},
      {ParseStep, R"({"schema":1,"verdict":{"state":"ready"},"outputs":{"endpoints":[
          {"name":"a","role":"ANY","service":"b","port":1,"tls":"required"}]}})",
       "/outputs/endpoints/0/tls"},
  };

  for (const auto& c : cases) {
    const auto parsed = c.parse(c.text);
    ASSERT_FALSE(parsed) << c.text;
    EXPECT_EQ(parsed.error().reason, "BadDocument");
    EXPECT_EQ(parsed.error().field, c.field) << c.text;
  }
}

}  // namespace
}  // namespace slipway::engine
