#include "kube/credentials.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/yaml.h"

namespace slipway::kube {
namespace {

// A plugin that counts its runs and does what a file says.
class PluginTest : public testing::Test {
 protected:
  PluginTest() {
    char pattern[] = "/tmp/slipway-plugin-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    config_.exec.command = "sh";
    config_.exec.args = {"-c", "echo x >> " + directory_ + "/runs; . " + directory_ + "/script"};
    config_.exec.api_version = "client.authentication.k8s.io/v1";
  }

  ~PluginTest() override { std::filesystem::remove_all(directory_); }

  void Script(const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(directory_ + "/script", text, 0600));
  }

  void ScriptThatWorks() {
    Script(R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
      "status":{"token":"t"}}')");
  }

  int Runs() const {
    std::ifstream in(directory_ + "/runs");
    return static_cast<int>(std::count(std::istreambuf_iterator<char>(in), {}, 'x'));
  }

  std::string directory_;
  Config config_;
  ManualClock clock_;
};

TEST_F(PluginTest, OneThatFailsRunsAgainAfterABackOffAndTellsItsWordsMeanwhile) {
  Script("echo please log in with corp-login >&2; exit 3");
  Credentials credentials(config_, clock_);
  // Ten minutes of requests, five times a second.
  for (int i = 0; i < 3000; ++i) {
    const auto got = credentials.Get();
    ASSERT_FALSE(got);
    ASSERT_EQ(got.error().code, Code::kUnauthenticated);
    ASSERT_EQ(got.error().message, "exec plugin sh: exit status 3: please log in with corp-login");
    clock_.Advance(200);
  }
  EXPECT_GE(Runs(), 600 / 30);
  EXPECT_LE(Runs(), 600 / 15 + 5);
  ScriptThatWorks();
  clock_.Advance(30'000);
  ASSERT_TRUE(credentials.Get()) << "half a minute is the longest that a person waits";
}

TEST_F(PluginTest, OneThatWorksAgainIsForgivenAllThatWas) {
  Script("exit 1");
  Credentials credentials(config_, clock_);
  for (int i = 0; i < 10; ++i, clock_.Advance(30'000)) EXPECT_FALSE(credentials.Get());
  ScriptThatWorks();
  const auto got = credentials.Get();
  ASSERT_TRUE(got);
  clock_.Advance(60'000);
  credentials.Reject(*got);
  Script("exit 1");
  EXPECT_FALSE(credentials.Get());
  clock_.Advance(2'000);
  const int runs = Runs();
  EXPECT_FALSE(credentials.Get());
  EXPECT_EQ(Runs(), runs + 1) << "the first pause again";
}

TEST_F(PluginTest, OneWhoseCredentialsAreRefusedRunsAgainAfterABackOffToo) {
  ScriptThatWorks();
  Credentials credentials(config_, clock_);
  int refused = 0;
  for (int i = 0; i < 3000; ++i, clock_.Advance(200)) {
    const auto got = credentials.Get();
    if (got) {
      credentials.Reject(*got);
      ++refused;
    } else {
      ASSERT_EQ(got.error().message,
                "the API server refuses the credentials that exec plugin sh gives");
    }
  }
  EXPECT_EQ(Runs(), refused);
  EXPECT_GE(refused, 600 / 30);
  EXPECT_LE(refused, 600 / 15 + 6);
}

TEST_F(PluginTest, ARotationCostsOneRunAndNoRequest) {
  ScriptThatWorks();
  Credentials credentials(config_, clock_);
  for (int rotation = 1; rotation < 5; ++rotation) {
    const auto got = credentials.Get();
    ASSERT_TRUE(got);
    credentials.Reject(*got);
    ASSERT_TRUE(credentials.Get()) << "at once, though the refused one was new";
    clock_.Advance(60'000);
    credentials.Reject(*credentials.Get());
  }
}

}  // namespace
}  // namespace slipway::kube
