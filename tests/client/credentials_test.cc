// Tests who the client is to the server, and how the client keeps that current.
#include <cstdlib>
#include <fstream>

#include "base/crypto.h"
#include "base/yaml.h"
#include "connect_proxy.h"
#include "control_plane.h"
#include "kube/kubeconfig.h"

namespace slipway::kube {
namespace {

class CredentialsTest : public ControlPlaneTest {
 protected:
  std::string ClusterYaml(const std::string& more = {}) const {
    const std::string& server = through_faults_ ? plane_->faults() : plane_->server();
    return "clusters: [{name: c, cluster: {server: '" + server +
           "', certificate-authority: " + plane_->ca_file() + more + "}}]\n";
  }

  // Loads a kubeconfig of one file with this user and, optionally, more about the cluster.
  Config Load(const std::string& user, const std::string& cluster = {}) const {
    const std::string text = ClusterYaml(cluster) + "users: [{name: u, user: {" + user +
                             "}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                             "current-context: x\n";
    auto config = LoadKubeconfig(Write("kubeconfig", text), "");
    EXPECT_TRUE(config) << config.error().message;
    return config ? *config : Config();
  }

  std::string Read(const std::string& name) const { return *ReadFile(Path(name)); }

  std::string Name(const Config& config) { return WhoAmI(*Connect(config))["username"].AsString(); }

  // Makes the server answer the next request with 401.
  void RefuseOnce() const {
    plane_->Fault(Json::Obj({{"match", Json::Obj({{"path", "selfsubjectreviews"}})},
                             {"action", "status"},
                             {"status", 401},
                             {"count", 1}}));
  }

  std::string Account(const std::string& name) const {
    return "system:serviceaccount:" + ns_ + ":" + name;
  }

  // A plugin that notes each run and prints the file "credential".
  std::string Plugin(const std::string& more = {}) const {
    return "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: "
           "Never" +
           more + ", args: [-c, 'echo \"$KUBERNETES_EXEC_INFO\" >> " + Path("runs") + "; cat " +
           Path("credential") + "']}";
  }

  void IssueToken(const std::string& token, int64_t expires_ms) const {
    const Json status =
        Json::Obj({{"token", token}, {"expirationTimestamp", FormatSeconds(expires_ms)}});
    Write("credential", Json::Obj({{"apiVersion", "client.authentication.k8s.io/v1"},
                                   {"kind", "ExecCredential"},
                                   {"status", status}})
                            .Dump());
  }

  std::vector<std::string> Runs() const {
    std::ifstream in(Path("runs"));
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }

  bool through_faults_ = false;
};

TEST_F(CredentialsTest, OfSeveralFilesTheFirstWins) {
  Write("a", "current-context: x\n" + ClusterYaml() +
                 "contexts: [{name: x, context: {cluster: c, user: u}}]\n");
  Write("b",
        "current-context: y\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: u, user: {token: " +
            plane_->Token(ns_, "one") + "}}]\n");
  const auto config = LoadKubeconfigFiles({Path("none"), Path("a"), Path("b")}, "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(Name(*config), Account("one"));
}

TEST_F(CredentialsTest, CertificatesComeFromFilesBesideTheKubeconfigOrInline) {
  plane_->Certificate(Path("me"), "carol", "1h");
  EXPECT_EQ(Name(Load("client-certificate: me.crt, client-key: ./me.key")), "carol");
  const std::string inline_pem = "client-certificate-data: " + Base64Encode(Read("me.crt")) +
                                 ", client-key-data: " + Base64Encode(Read("me.key"));
  EXPECT_EQ(Name(Load(inline_pem)), "carol");
  EXPECT_EQ(Name(*LoadKubeconfig(plane_->dir() + "/certificate.kubeconfig", "test")), "admin");
}

TEST_F(CredentialsTest, ARenewedCertificateFileIsTakenUpWhenTheOldOneExpires) {
  plane_->Certificate(Path("me"), "early", "4s");
  const auto client = Connect(Load("client-certificate: me.crt, client-key: me.key"));
  ASSERT_EQ(WhoAmI(*client)["username"].AsString(), "early");
  plane_->Certificate(Path("me"), "late", "1h");
  std::string name;
  EXPECT_TRUE(
      Eventually([&] { return (name = WhoAmI(*client)["username"].AsString()) != "early"; }));
  EXPECT_EQ(name, "late") << "no request failed in between";
}

TEST_F(CredentialsTest, AnExpiredCertificateIsUnauthenticated) {
  plane_->Certificate(Path("me"), "old", "-1m");
  const auto client = Connect(Load("client-certificate: me.crt, client-key: me.key"));
  const auto got = client->Get(Ref("x"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kUnauthenticated) << got.error().message;
}

TEST_F(CredentialsTest, ATokenFileIsReadAgainWhenItsTokenIsRefused) {
  through_faults_ = true;
  Write("token", plane_->Token(ns_, "one") + "\n");
  const auto client = Connect(Load("tokenFile: token"));
  ASSERT_EQ(WhoAmI(*client)["username"].AsString(), Account("one"));
  Write("token", plane_->Token(ns_, "two") + "\n");
  EXPECT_EQ(WhoAmI(*client)["username"].AsString(), Account("one"));
  RefuseOnce();
  EXPECT_EQ(WhoAmI(*client)["username"].AsString(), Account("two"));
}

TEST_F(CredentialsTest, APodsAccountRotatesItsToken) {
  Write("token", plane_->Token(ns_, "one"));
  Write("ca.crt", *ReadFile(plane_->ca_file()));
  Write("namespace", ns_);
  const std::string& server = plane_->server();
  ::setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", server.substr(server.rfind(':') + 1).c_str(), 1);
  const auto config = InClusterConfig(Path("."));
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->default_namespace, ns_);
  const auto client = Connect(*config);
  ASSERT_EQ(WhoAmI(*client)["username"].AsString(), Account("one"));
  Write("token", plane_->Token(ns_, "two"));
  // Tokens die some seconds after their account, because the server remembers whom it let in.
  ASSERT_TRUE(admin_->Delete({"v1", "ServiceAccount", ns_, "one"}, {}));
  std::string name;
  EXPECT_TRUE(Eventually(
      [&] { return (name = WhoAmI(*client)["username"].AsString()) != Account("one"); }));
  EXPECT_EQ(name, Account("two")) << "no request failed in between";
}

TEST_F(CredentialsTest, APluginRunsOnceUntilItsTokenIsRefused) {
  through_faults_ = true;
  const std::string first = plane_->Token(ns_, "one"), second = plane_->Token(ns_, "two");
  IssueToken(first, clock_.NowMs() + 3'600'000);
  const auto client = Connect(Load(Plugin()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(WhoAmI(*client)["username"].AsString(), Account("one"));
  EXPECT_EQ(Runs().size(), 1u);
  IssueToken(second, clock_.NowMs() + 3'600'000);
  RefuseOnce();
  EXPECT_EQ(WhoAmI(*client)["username"].AsString(), Account("two"));
  EXPECT_EQ(Runs().size(), 2u);
}

TEST_F(CredentialsTest, APluginIsToldOfTheClusterWhenItAsks) {
  IssueToken(plane_->Token(ns_, "one"), clock_.NowMs() + 3'600'000);
  const std::string more =
      ", extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: a}}]";
  EXPECT_EQ(Name(Load(Plugin(", provideClusterInfo: true"), more)), Account("one"));
  ASSERT_EQ(Runs().size(), 1u);
  const Json told = *Json::Parse(Runs()[0]);
  EXPECT_EQ(told.At("/spec/cluster/server").AsString(), plane_->server());
  EXPECT_EQ(told.At("/spec/cluster/config/audience").AsString(), "a");
  EXPECT_FALSE(told.At("/spec/cluster/certificate-authority-data").AsString().empty());
}

TEST_F(CredentialsTest, ACredentialThatSeemsExpiredByOurClockIsStillUsed) {
  IssueToken(plane_->Token(ns_, "one"), clock_.NowMs() - 3'600'000);  // our clock is an hour ahead
  const auto client = Connect(Load(Plugin()));
  const auto informer = client->Watch({"v1", "ConfigMap", ns_, "", "", {}}, {});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(WhoAmI(*client)["username"].AsString(), Account("one"));
  EXPECT_EQ(Runs().size(), 1u) << "nor is the plugin run for each request";
}

TEST_F(CredentialsTest, RequestsCountAsTheImpersonatedUsers) {
  const std::string admin = "token: " + plane_->AdminConfig().bearer_token;
  const Json who =
      WhoAmI(*Connect(Load(admin + ", as: dave, as-uid: u-1, as-groups: [team, 'other team'], "
                                   "as-user-extra: {example.com/reason: [audit, test]}")));
  EXPECT_EQ(who["username"].AsString(), "dave");
  EXPECT_EQ(who["uid"].AsString(), "u-1");
  EXPECT_EQ(who["groups"], *Json::Parse(R"(["team","other team","system:authenticated"])"));
  EXPECT_EQ(who["extra"], *Json::Parse(R"({"example.com/reason":["audit","test"]})"));
}

TEST_F(CredentialsTest, TheServersNameIsCheckedAsConfigured) {
  const std::string token = "token: " + plane_->AdminConfig().bearer_token;
  EXPECT_EQ(Name(Load(token, ", tls-server-name: kubernetes.default.svc")), "admin-token");
  const auto refused = Connect(Load(token, ", tls-server-name: elsewhere.test"))->Ping();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "TlsFailed");
}

TEST_F(CredentialsTest, RequestsAndWatchesGoThroughTheProxy) {
  ConnectProxy proxy;
  const auto client = Connect(Load("token: " + plane_->AdminConfig().bearer_token,
                                   ", proxy-url: 'http://127.0.0.1:" + proxy.port() + "'"));
  EXPECT_EQ(WhoAmI(*client)["username"].AsString(), "admin-token");
  EXPECT_EQ(proxy.tunnels(), 1);
  const auto informer = client->Watch({"v1", "ConfigMap", ns_, "", "", {}}, {});
  EXPECT_TRUE(Eventually([&] { return informer->synced(); }));
  EXPECT_GE(proxy.tunnels(), 2);
}

TEST_F(CredentialsTest, TheUserAgentNamesProgramVersionPlatformAndComponent) {
  const auto client = ConnectFaults([this](ClientOptions& options) {
    options.user_agent = "slipwayd/1.2.3";
    options.component = ns_;
  });
  EXPECT_EQ(WhoAmI(*client)["username"].AsString(), "admin-token");
  const auto requests = plane_->Requests();
  const std::string& agent = requests.back()["userAgent"].AsString();
  EXPECT_TRUE(agent == "slipwayd/1.2.3 (linux/amd64) " + ns_ ||
              agent == "slipwayd/1.2.3 (linux/arm64) " + ns_)
      << agent;
}

}  // namespace
}  // namespace slipway::kube
