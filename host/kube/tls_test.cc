#include <filesystem>
#include <fstream>
#include <optional>

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/yaml.h"
#include "kube/client.h"
#include "kube/scripted_server_test_support.h"

namespace slipway::kube {
namespace {

// Certificates are made once, by the openssl tool.
class TlsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = ::testing::TempDir() + "/kube_tls_" + RandomAlnum(8);
    std::filesystem::create_directories(directory_);
    made_ = Make("server", "kube.test", "DNS:kube.test") &&
            Make("local", "127.0.0.1", "IP:127.0.0.1") && Make("client", "slipway", "DNS:slipway");
  }

  static void TearDownTestSuite() { std::filesystem::remove_all(directory_); }

  void SetUp() override {
    if (!made_) GTEST_SKIP() << "no openssl tool here";
  }

  static bool Make(const std::string& name, const std::string& subject,
                   const std::string& alternative) {
    const std::string base = directory_ + "/" + name;
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-keyout " +
        base + ".key -out " + base + ".crt -subj /CN=" + subject +
        " -addext subjectAltName=" + alternative + " >/dev/null 2>&1";
    return std::system(command.c_str()) == 0;
  }

  static std::string Pem(const std::string& file) { return *ReadFile(directory_ + "/" + file); }

  Result<void> Ping(const ServerTls& tls, const std::function<void(Config&)>& change) {
    const ScriptedServer server([](const auto&, auto& connection) { connection.Reply(200, "ok"); },
                                0, &tls);
    Config config = server.config();
    change(config);
    Client client(config, FastOptions(), clock_, log_, metrics_);
    auto first = client.Ping();
    if (!first) return first;
    return client.Ping();
  }

  static inline std::string directory_;
  static inline bool made_ = false;
  SystemClock clock_;
  Logger log_{clock_, 2, Logger::Format::kHuman, Logger::Level::kError};
  Metrics metrics_;
};

TEST_F(TlsTest, TrustsTheConfiguredAuthorityAndNoOther) {
  const ServerTls tls{Pem("local.crt"), Pem("local.key"), ""};
  const auto good = Ping(tls, [](Config& config) { config.ca_pem = Pem("local.crt"); });
  EXPECT_TRUE(good) << good.error().message;
  const auto other = Ping(tls, [](Config& config) { config.ca_pem = Pem("server.crt"); });
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, "TlsFailed");
  EXPECT_FALSE(Ping(tls, [](Config&) {})) << "the system's authorities do not know it";
  EXPECT_TRUE(Ping(tls, [](Config& config) { config.insecure_skip_verify = true; }));
}

TEST_F(TlsTest, ChecksTheServersNameAsConfigured) {
  const ServerTls tls{Pem("server.crt"), Pem("server.key"), ""};
  const auto wrong = Ping(tls, [](Config& config) { config.ca_pem = Pem("server.crt"); });
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().reason, "TlsFailed");
  const auto named = Ping(tls, [](Config& config) {
    config.ca_pem = Pem("server.crt");
    config.tls_server_name = "kube.test";
  });
  EXPECT_TRUE(named) << named.error().message;
}

TEST_F(TlsTest, PresentsItsClientCertificate) {
  const ServerTls tls{Pem("local.crt"), Pem("local.key"), Pem("client.crt")};
  EXPECT_FALSE(Ping(tls, [](Config& config) { config.ca_pem = Pem("local.crt"); }));
  const auto known = Ping(tls, [](Config& config) {
    config.ca_pem = Pem("local.crt");
    config.client_cert_pem = Pem("client.crt");
    config.client_key_pem = Pem("client.key");
  });
  EXPECT_TRUE(known) << known.error().message;
}

}  // namespace
}  // namespace slipway::kube
