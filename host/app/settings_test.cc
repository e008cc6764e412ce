#include "app/settings.h"

#include <filesystem>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace slipway::app {
namespace {

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    char pattern[] = "/tmp/slipway-settings-XXXXXX";
    dir_ = ::mkdtemp(pattern);
  }

  ~SettingsTest() override { std::filesystem::remove_all(dir_); }

  std::string Write(const std::string& name, const std::string& text, unsigned mode = 0600) {
    EXPECT_TRUE(WriteFileAtomically(dir_ + "/" + name, text, mode));
    return dir_ + "/" + name;
  }

  std::string dir_;
};

TEST_F(SettingsTest, ReportsEverythingWrongAtOnceWithLineAndColumn) {
  const std::string file = Write(
      "s.yaml",
      "listen:\n  port: 70000\nworkers: no\nlog: {level: loud}\nunknown: 1\naddress_timeout_ms: "
      "-1\nlistne: {}\ntokens:\n  "
      "- {name: a, sha256: zz, role: king, organizations: []}\nstage_timeout_seconds: {NOPE: 1}\n");
  std::vector<std::string> problems;
  LoadSettings(file, {{"SLIPWAY_DRAIN_MS", "soon"}}, problems);
  const auto has = [&](const std::string& text) {
    return std::any_of(problems.begin(), problems.end(),
                       [&](const std::string& p) { return p.find(text) != std::string::npos; });
  };
  EXPECT_TRUE(has("s.yaml:2:3: port must be an integer from 0 to 65535"));
  EXPECT_TRUE(has("s.yaml:3:1: workers"));
  EXPECT_TRUE(has("s.yaml:4:7: level must be one of debug"));
  EXPECT_TRUE(has("s.yaml:5:1: unknown key unknown"));
  EXPECT_TRUE(has("s.yaml:6:1: address_timeout_ms must be an integer from 0 to 600000"));
  EXPECT_TRUE(has("s.yaml:7:1: unknown key listne"));
  EXPECT_TRUE(has("must be the SHA-256"));
  EXPECT_TRUE(has("must be admin, editor or viewer"));
  EXPECT_TRUE(has("NOPE is not a stage"));
  EXPECT_TRUE(has("SLIPWAY_DRAIN_MS: must be an integer"));
}

TEST_F(SettingsTest, EnvironmentWinsAndPathsAreRelativeToTheFile) {
  const std::string file = Write("s.yaml",
                                 "listen: {port: 1}\ndata_dir: state\nstage_timeout_seconds: "
                                 "{default: 5, WAITING_FOR_READY: 60}\n");
  std::vector<std::string> problems;
  const Settings settings = LoadSettings(file, {{"SLIPWAY_LISTEN_PORT", "8080"}}, problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(settings.port, 8080);
  EXPECT_EQ(settings.data_dir, dir_ + "/state");
  EXPECT_EQ(settings.stage_timeout_ms.at(""), 5000);
  EXPECT_EQ(settings.stage_timeout_ms.at("WAITING_FOR_READY"), 60000);
  EXPECT_EQ(settings.tiers.size(), 3u);
}

TEST_F(SettingsTest, ShippedConfigurationIsGood) {
  std::vector<std::string> problems;
  const Settings settings =
      LoadSettings(std::string(SLIPWAY_SOURCE_DIR) + "/config/slipway.yaml", {}, problems);
  EXPECT_TRUE(problems.empty()) << problems[0];
  ASSERT_EQ(settings.tiers.size(), 3u);
  EXPECT_EQ(settings.tiers[1].instances, 3);
}

TEST_F(SettingsTest, MasterKeyIsMadeOnceAndMustBePrivate) {
  const std::string file = dir_ + "/master.key";
  EXPECT_EQ(LoadMasterKeys(file, {}, false).error().reason, "MasterKeyMissing");
  const auto made = LoadMasterKeys(file, {}, true);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->keys.at(made->active).size(), 32u);
  EXPECT_EQ(LoadMasterKeys(file, {}, true)->keys, made->keys);
  ::chmod(file.c_str(), 0644);
  EXPECT_EQ(LoadMasterKeys(file, {}, true).error().reason, "MasterKeyExposed");
  EXPECT_EQ(LoadMasterKeys("", {{"SLIPWAY_MASTER_KEY", "short"}}, false).error().reason,
            "BadMasterKey");
}

}  // namespace
}  // namespace slipway::app
