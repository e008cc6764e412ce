#include "kube/kubeconfig.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "kube/credentials.h"
#include "kube/exec_plugin.h"

namespace slipway::kube {
namespace {

class KubeconfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = ::testing::TempDir() + "/kubeconfig_" + RandomAlnum(8);
    std::filesystem::create_directories(directory_);
  }

  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  static std::string Pem(const std::string& what) { return "-----BEGIN " + what + "-----\n"; }

  // A kubeconfig with one context whose cluster and user have the given fields.
  std::string One(const std::string& cluster, const std::string& user) {
    return Write("config",
                 "current-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u, "
                 "namespace: team}\n"
                 "clusters:\n- name: k\n  cluster:\n    server: https://10.0.0.1:6443\n" +
                     cluster + "users:\n- name: u\n  user:\n    dummy: x\n" + user);
  }

  std::string directory_;
};

TEST_F(KubeconfigTest, ReadsInlineAndFileCertificates) {
  Write("key.pem", Pem("KEY"));
  const std::string path =
      One("    certificate-authority-data: " + Base64Encode(Pem("CA")) +
              "\n    tls-server-name: kube.local\n    proxy-url: http://p:1\n",
          "    client-certificate-data: " + Base64Encode(Pem("CERT")) +
              "\n    client-key: key.pem\n    token: tok\n    tokenFile: sub/token\n");
  const auto config = LoadKubeconfig(path, "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://10.0.0.1:6443");
  EXPECT_EQ(config->ca_pem, Pem("CA"));
  EXPECT_EQ(config->client_cert_pem, Pem("CERT"));
  EXPECT_EQ(config->client_key_pem, Pem("KEY"));
  EXPECT_EQ(config->bearer_token, "tok");
  EXPECT_EQ(config->token_file, directory_ + "/sub/token");
  EXPECT_EQ(config->tls_server_name, "kube.local");
  EXPECT_EQ(config->proxy_url, "http://p:1");
  EXPECT_EQ(config->default_namespace, "team");
  EXPECT_NE(config->origin.find("context c"), std::string::npos);
}

TEST_F(KubeconfigTest, ReadsExecPlugins) {
  const auto config = LoadKubeconfig(One("", R"(    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./bin/login
      args: [get, token]
      env: [{name: A, value: b}]
      installHint: install it
)"),
                                     "c");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->exec.command, directory_ + "/./bin/login");
  EXPECT_EQ(config->exec.args, (std::vector<std::string>{"get", "token"}));
  EXPECT_EQ(config->exec.env.at(0).second, "b");
  EXPECT_EQ(config->exec.install_hint, "install it");
}

TEST_F(KubeconfigTest, ReadsImpersonation) {
  const auto config = LoadKubeconfig(One("",
                                         "    as: dave\n    as-uid: u-1\n    as-groups: [a, b]\n"
                                         "    as-user-extra: {reason: [x, y]}\n"),
                                     "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->as.user, "dave");
  EXPECT_EQ(config->as.uid, "u-1");
  EXPECT_EQ(config->as.groups, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(config->as.extra.size(), 1u);
  EXPECT_EQ(config->as.extra[0].second, (std::vector<std::string>{"x", "y"}));
}

TEST_F(KubeconfigTest, ErrorsNameFileContextUserAndField) {
  const std::string path =
      One("", "    exec: {apiVersion: client.authentication.k8s.io/v1alpha1}\n");
  const auto config = LoadKubeconfig(path, "");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::kInvalid);
  EXPECT_EQ(config.error().message,
            path +
                ":13:12: context \"c\", user \"u\": exec.apiVersion must be "
                "client.authentication.k8s.io/v1 or v1beta1");
  EXPECT_EQ(config.error().field, "/users/0/user/exec/apiVersion");
}

TEST_F(KubeconfigTest, ErrorsNameWhatIsMissing) {
  EXPECT_EQ(LoadKubeconfig(directory_ + "/none", "").error().code, Code::kInvalid);
  EXPECT_NE(LoadKubeconfig(One("", ""), "other").error().message.find("no context named \"other\""),
            std::string::npos);
  EXPECT_NE(
      LoadKubeconfig(
          Write("b", "current-context: c\ncontexts: [{name: c, context: {cluster: gone}}]\n"), "")
          .error()
          .message.find("no cluster named \"gone\""),
      std::string::npos);
  EXPECT_NE(LoadKubeconfig(Write("c", "a: [\n"), "").error().message.find("/c:"),
            std::string::npos);
}

TEST_F(KubeconfigTest, OfSeveralFilesTheFirstWins) {
  const std::string a = Write("a",
                              "contexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: "
                              "[{name: k, cluster: {server: 'https://first'}}]\n");
  const std::string b = Write("b",
                              "current-context: c\nclusters: [{name: k, cluster: {server: "
                              "'https://second'}}]\nusers: [{name: u, user: {token: t}}]\n");
  const auto config = LoadKubeconfigFiles({directory_ + "/absent", a, b}, "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://first");
  EXPECT_EQ(config->bearer_token, "t");
  EXPECT_EQ(KubeconfigFiles("/a::/b", "/home/x"), (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(KubeconfigFiles(nullptr, "/home/x"),
            (std::vector<std::string>{"/home/x/.kube/config"}));
}

TEST_F(KubeconfigTest, APodsAccountIsFoundInItsDirectory) {
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_EQ(InClusterConfig(directory_).error().code, Code::kNotFound);
  ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  EXPECT_EQ(InClusterConfig(directory_).error().code, Code::kNotFound);
  Write("token", "t");
  Write("ca.crt", "CA");
  Write("namespace", "team");
  const auto config = InClusterConfig(directory_);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->token_file, directory_ + "/token");
  EXPECT_EQ(config->default_namespace, "team");
  ::unsetenv("KUBERNETES_SERVICE_HOST");
}

Config::Exec Shell(const std::string& script) {
  Config::Exec exec;
  exec.command = "sh";
  exec.args = {"-c", script};
  exec.api_version = "client.authentication.k8s.io/v1";
  exec.install_hint = "Get it from the shop";
  return exec;
}

TEST(ExecPlugin, ReadsTokenCertificateAndExpiry) {
  Config::Exec exec = Shell("");
  exec.env = {{"T", "tok"}};
  exec.args[1] =
      R"(echo "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"$T${#KUBERNETES_EXEC_INFO}\",\"clientCertificateData\":\"C\",\"clientKeyData\":\"K\",\"expirationTimestamp\":\"2026-11-22T06:00:00Z\"}}")";
  const auto got = RunExecPlugin(exec, 10'000);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_TRUE(got->auth.bearer_token.starts_with("tok"));
  EXPECT_NE(got->auth.bearer_token, "tok0") << "KUBERNETES_EXEC_INFO is set";
  EXPECT_EQ(got->auth.client_cert_pem, "C");
  EXPECT_EQ(got->expires_ms, ParseTime("2026-11-22T06:00:00Z"));
}

TEST(ExecPlugin, FailuresSayWhyButNeverShowItsOutput) {
  const auto failed = RunExecPlugin(Shell("echo s3cr3t; echo please log in >&2; exit 3"), 10'000);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "ExecPluginFailed");
  EXPECT_NE(failed.error().message.find("exit status 3: please log in"), std::string::npos)
      << failed.error().message;
  EXPECT_NE(failed.error().message.find("shop"), std::string::npos);
  for (const char* script : {"echo s3cr3t", "echo '{\"kind\":\"s3cr3t\"}'", "exit 0"}) {
    const auto bad = RunExecPlugin(Shell(script), 10'000);
    ASSERT_FALSE(bad) << script;
    EXPECT_EQ(bad.error().message.find("s3cr3t"), std::string::npos);
  }
  Config::Exec missing = Shell("");
  missing.command = "/no/such/plugin";
  EXPECT_FALSE(RunExecPlugin(missing, 10'000));
}

TEST(ExecPlugin, IsEndedAtItsDeadlineWithAllItStarted) {
  const SystemClock clock;
  const int64_t start = clock.SteadyMs();
  const auto late = RunExecPlugin(Shell("sleep 30 & sleep 30"), 50);
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message.find("did not end"), std::string::npos);
  EXPECT_LT(clock.SteadyMs() - start, 5'000);
}

TEST_F(KubeconfigTest, APluginsCredentialIsKeptUntilItExpires) {
  ManualClock clock(ParseTime("2026-11-22T05:00:00Z"));
  Config config;
  config.exec =
      Shell("echo x >> " + directory_ +
            R"(/runs; echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
    "status":{"token":"t","expirationTimestamp":"2026-11-22T06:00:00Z"}}')");
  Credentials credentials(config, clock);
  const auto runs = [this] {
    std::ifstream in(directory_ + "/runs");
    std::string all((std::istreambuf_iterator<char>(in)), {});
    return all.size() / 2;
  };
  EXPECT_EQ(credentials.Peek(), nullptr);
  ASSERT_TRUE(credentials.Get());
  ASSERT_TRUE(credentials.Get());
  EXPECT_NE(credentials.Peek(), nullptr);
  EXPECT_EQ(runs(), 1u);
  clock.Advance(3'595'000);  // a moment before it expires
  ASSERT_TRUE(credentials.Get());
  EXPECT_EQ(runs(), 2u);
}

TEST_F(KubeconfigTest, ACredentialIsGoodForSecondsThoughOurClockSaysItHasExpired) {
  ManualClock clock(ParseTime("2026-11-22T07:00:00Z"));  // an hour ahead of the plugin's
  Config config;
  config.exec = Shell(
      R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
    "status":{"token":"t","expirationTimestamp":"2026-11-22T06:00:00Z"}}')");
  Credentials credentials(config, clock);
  ASSERT_TRUE(credentials.Get());
  EXPECT_NE(credentials.Peek(), nullptr);
  clock.Advance(10'000);
  EXPECT_EQ(credentials.Peek(), nullptr);
}

TEST_F(KubeconfigTest, CertificateFilesAreReadAgainAndTakenAsAPair) {
  ManualClock clock;
  Config config;
  config.client_cert_file = Write("crt", "C1");
  config.client_key_file = Write("key", "K1");
  Credentials credentials(config, clock);
  EXPECT_EQ(credentials.Peek()->client_cert_pem, "C1");
  Write("crt", "C2");
  std::filesystem::remove(config.client_key_file);
  credentials.Reject(credentials.Peek());
  EXPECT_EQ(credentials.Peek()->client_cert_pem, "C1") << "a certificate without its key";
  Write("key", "K2");
  clock.Advance(60'000);
  EXPECT_EQ(credentials.Peek()->client_cert_pem, "C2");
  EXPECT_EQ(credentials.Peek()->client_key_pem, "K2");
}

TEST_F(KubeconfigTest, ATokenFileIsReadAgainEveryMinute) {
  ManualClock clock;
  Config config;
  config.token_file = Write("token", "one\n");
  Credentials credentials(config, clock);
  EXPECT_EQ(credentials.Peek()->bearer_token, "one");
  Write("token", "two\n");
  EXPECT_EQ(credentials.Peek()->bearer_token, "one");
  clock.Advance(60'000);
  EXPECT_EQ(credentials.Peek()->bearer_token, "two");
  const auto same = credentials.Peek();
  clock.Advance(60'000);
  EXPECT_EQ(credentials.Peek(), same) << "nothing is rebuilt for an unchanged token";
  std::filesystem::remove(config.token_file);
  clock.Advance(60'000);
  EXPECT_EQ(credentials.Peek()->bearer_token, "two") << "the last good one stays";
}

}  // namespace
}  // namespace slipway::kube
