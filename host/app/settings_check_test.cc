#include "app/settings_check.h"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "app/master_keys.h"
#include "base/yaml.h"
#include "http/socket.h"

namespace slipway::app {
namespace {

constexpr const char* kKubeconfig =
    "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
    "clusters: [{name: k, cluster: {server: 'https://10.0.0.1'}}]\n"
    "users: [{name: u, user: {token: t}}]\n";

// A valid configuration; each test changes one line.
class SettingsCheck : public testing::Test {
 protected:
  SettingsCheck() {
    char pattern[] = "/tmp/slipway-check-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    std::filesystem::create_directory(dir_ + "/engines.d");
    Write("kubeconfig", kKubeconfig);
    EXPECT_TRUE(LoadMasterKeys(dir_ + "/master.key", {}, MissingKey::kMake));
    lines_ = {{"listen", "{address: 127.0.0.1, port: 0}"},
              {"data_dir", "state/of/slipway"},
              {"engines_dir", "engines.d"},
              {"master_key_file", "master.key"},
              {"kubernetes", "{kubeconfig: kubeconfig}"}};
  }

  ~SettingsCheck() override { std::filesystem::remove_all(dir_); }

  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(dir_ + "/" + name, text, 0600));
  }

  // Returns all problems, one per line, with DIR for the directory.
  std::string Problems(Cluster cluster = Cluster::kOfTheSettings) {
    std::string text;
    for (const auto& [key, value] : lines_) text += key + ": " + value + "\n";
    Write("s.yaml", text);
    std::vector<std::string> problems;
    const Settings settings = LoadSettings(dir_ + "/s.yaml", {}, problems);
    for (std::string& problem : CheckSettings(settings, {}, cluster))
      problems.push_back(std::move(problem));
    std::string all;
    for (const std::string& problem : problems) all += problem + "\n";
    for (size_t at = 0; (at = all.find(dir_, at)) != std::string::npos;)
      all.replace(at, dir_.size(), "DIR");
    return all;
  }

  std::string dir_;
  std::map<std::string, std::string> lines_;  // sorted by key
};

TEST_F(SettingsCheck, AGoodConfigurationHasNoProblems) {
  EXPECT_EQ(Problems(), "");
}

TEST_F(SettingsCheck, AnAddressThatNobodyCanListenOnIsNamed) {
  lines_["listen"] = "{address: 192.0.2.1, port: 0}";
  EXPECT_EQ(Problems(),
            "DIR/s.yaml:4:10: listen.address: cannot listen on 192.0.2.1:0: Cannot assign "
            "requested address\n");
  lines_["listen"] = "{address: no.such.host.invalid}";
  EXPECT_NE(Problems().find("DIR/s.yaml:4:10: listen.address: cannot resolve no.such.host.invalid"),
            std::string::npos);
  lines_["listen"] = "{address: \"\"}";
  EXPECT_NE(Problems().find("DIR/s.yaml:4:10: listen.address must name an address"),
            std::string::npos);
}

TEST_F(SettingsCheck, APortThatAnotherHostHoldsIsNoMistake) {
  const auto other = http::Listen("127.0.0.1", 0);
  ASSERT_TRUE(other);
  lines_["listen"] = "{port: " + std::to_string(other->port) + "}";
  EXPECT_EQ(Problems(), "");
  ::close(other->fd);
}

TEST_F(SettingsCheck, DirectoriesThatCannotBeAreNamed) {
  Write("file", "x");
  lines_["data_dir"] = "file/below";
  lines_["engines_dir"] = "nowhere";
  EXPECT_EQ(Problems(),
            "DIR/s.yaml:1:1: data_dir: DIR/file is not a directory\n"
            "DIR/s.yaml:2:1: engines_dir: DIR/nowhere is not a directory\n");
}

TEST_F(SettingsCheck, AnEngineThatIsNotThereIsNamedWithItsFile) {
  Write("engines.d/a.yaml", "name: a\npath:\n");
  EXPECT_NE(Problems().find("DIR/engines.d/a.yaml:2:1: path"), std::string::npos) << Problems();
}

TEST_F(SettingsCheck, AKubeconfigThatCannotBeIsNamedWithTheReason) {
  lines_["kubernetes"] = "{kubeconfig: gone}";
  EXPECT_EQ(Problems(),
            "DIR/s.yaml:3:14: kubernetes.kubeconfig: DIR/gone: No such file or directory\n");
  lines_["kubernetes"] = "{kubeconfig: kubeconfig, context: other}";
  EXPECT_EQ(
      Problems(),
      "DIR/s.yaml:3:14: kubernetes.kubeconfig: DIR/kubeconfig:2:1: kubeconfig: contexts has no "
      "context named \"other\"\n");
  Write("kubeconfig", std::string(kKubeconfig) + "x: [\n");
  lines_["kubernetes"] = "{kubeconfig: kubeconfig}";
  EXPECT_NE(Problems().find("kubernetes.kubeconfig: DIR/kubeconfig:6:"), std::string::npos)
      << Problems();
}

TEST_F(SettingsCheck, AnExecPluginThatIsNotInstalledIsNamed) {
  std::string text = kKubeconfig;
  text.replace(text.find("token: t"), 8,
               "exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin}");
  Write("kubeconfig", text);
  EXPECT_NE(Problems().find("exec plugin no-such-plugin cannot be run"), std::string::npos);
}

TEST_F(SettingsCheck, AMasterKeyThatIsNotThereIsNamedUnlessItIsMade) {
  lines_["master_key_file"] = "gone.key";
  EXPECT_NE(Problems().find("DIR/s.yaml:5:1: master_key_file: DIR/gone.key: no such file"),
            std::string::npos);
  EXPECT_EQ(Problems(Cluster::kOfItsOwn), "");
}

TEST_F(SettingsCheck, TiersThatCannotBeAreNamed) {
  lines_["tiers_file"] = "gone.yaml";
  EXPECT_EQ(Problems(),
            "DIR/s.yaml:6:1: tiers_file cannot be read: DIR/gone.yaml: No such file or "
            "directory\n");
  Write("tiers.yaml", "tiers: {FREE: {instances: 0, storage: x, memory: [], cpu: 0.5}, BIG: 7}\n");
  lines_["tiers_file"] = "tiers.yaml";
  const std::string quantity = " must be a quantity above 0, such as 500m, 2 or 16Gi\n";
  EXPECT_NE(Problems().find("DIR/tiers.yaml:1:16: tiers.FREE.instances must be an integer from 1 "
                            "to 9\n"
                            "DIR/tiers.yaml:1:30: tiers.FREE.storage" +
                            quantity + "DIR/tiers.yaml:1:42: tiers.FREE.memory" + quantity +
                            "DIR/tiers.yaml:1:65: tiers.BIG must be a mapping, not an integer\n"),
            std::string::npos)
      << Problems();
}

}  // namespace
}  // namespace slipway::app
