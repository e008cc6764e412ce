#include "app/settings.h"

#include <filesystem>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "app/master_keys.h"
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
  const std::string file = Write("s.yaml",
                                 "listen:\n  port: 70000\nworkers: no\nlog: {level: loud}\n"
                                 "unknown: 1\naddress_timeout_ms: -1\nlistne: {}\ntokens:\n"
                                 "  - {name: a, sha256: zz, role: king, organizations: []}\n"
                                 "stage_timeout_seconds: {NOPE: 1}\napi: [workers]\n");
  std::vector<std::string> problems;
  LoadSettings(file, {{"SLIPWAY_DRAIN_MS", "soon"}, {"SLIPWAY_LISTEN_PROT", "1"}}, problems);
  const std::string at = dir_ + "/s.yaml:";
  EXPECT_EQ(
      problems,
      (std::vector<std::string>{
          at + "2:3: listen.port must be an integer from 0 to 65535",
          at + "3:1: workers must be an integer from 1 to 256",
          at + "4:7: log.level must be one of debug, info, warn, error",
          at + "5:1: unknown is an unknown key",
          at + "6:1: address_timeout_ms must be an integer from 0 to 600000",
          at + "7:1: listne is an unknown key",
          at + "9:15: tokens[0].sha256 must be the SHA-256 of the token, 64 lower-case hex "
               "digits (printf %s TOKEN | sha256sum)",
          at + "9:27: tokens[0].role must be admin, editor or viewer",
          at + "9:39: tokens[0].organizations must name at least one organization, or \"*\"",
          at +
              "10:25: stage_timeout_seconds.NOPE is not a stage; \"default\" sets all other stages",
          at + "11:1: api must be a mapping, not a list",
          "SLIPWAY_DRAIN_MS: must be an integer from 0 to 600000",
          "SLIPWAY_LISTEN_PROT: is not a setting; did you mean SLIPWAY_LISTEN_PORT?"}));
}

TEST_F(SettingsTest, ASectionThatSaysNothingLeavesItsDefaults) {
  const std::string file = Write(
      "s.yaml", "listen:\n#  port: 1\nlog:\ntokens:\nstage_timeout_seconds:\nworkers:\napi: {}\n");
  std::vector<std::string> problems;
  const Settings settings = LoadSettings(file, {}, problems);
  EXPECT_TRUE(problems.empty()) << problems[0];
  EXPECT_EQ(settings.port, 7420);
  EXPECT_EQ(settings.workers, 16);
  EXPECT_EQ(settings.stage_timeout_ms.at("WAITING_FOR_READY"), 1'800'000);
}

TEST_F(SettingsTest, TwoClustersAtOnceAreRefused) {
  const std::string file = Write("s.yaml", "kubernetes:\n  in_cluster: true\n  context: prod\n");
  std::vector<std::string> problems;
  LoadSettings(file, {}, problems);
  EXPECT_EQ(problems,
            std::vector<std::string>{
                dir_ + "/s.yaml:2:3: kubernetes.in_cluster cannot be true together with a "
                       "kubeconfig or a context"});
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
  EXPECT_EQ(LoadMasterKeys(file, {}, MissingKey::kRefuse).error().reason, "MasterKeyMissing");
  const auto made = LoadMasterKeys(file, {}, MissingKey::kMake);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->keys.at(made->active).size(), 32u);
  EXPECT_EQ(LoadMasterKeys(file, {}, MissingKey::kMake)->keys, made->keys);
  ::chmod(file.c_str(), 0644);
  EXPECT_EQ(LoadMasterKeys(file, {}, MissingKey::kMake).error().reason, "MasterKeyExposed");
  EXPECT_EQ(
      LoadMasterKeys("", {{"SLIPWAY_MASTER_KEY", "short"}}, MissingKey::kRefuse).error().reason,
      "BadMasterKey");
}

}  // namespace
}  // namespace slipway::app
