// Kubeconfigs as clouds, tools and people write them: testdata/kubeconfigs_*.yaml, which
// tests/kubeconfig_test.py also shows to kubectl.
#include <filesystem>
#include <regex>

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/yaml.h"
#include "kube/kubeconfig.h"

namespace slipway::kube {
namespace {

std::string Pem(const std::string& what) {
  return "-----BEGIN " + what + "-----\n" + std::string(100, 'x') + "\n-----END " + what +
         "-----\n";
}

// The fields of the table's `reads`; the paths relative to the directory.
Json Seen(const Config& config, const std::string& directory) {
  const auto relative = [&](const std::string& path) {
    return path.starts_with(directory) ? path.substr(directory.size() + 1) : path;
  };
  Json out = Json::MakeObject();
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) out.Set(key, value);
  };
  text("server", config.server);
  text("token", config.bearer_token);
  text("token_file", relative(config.token_file));
  text("tls_server_name", config.tls_server_name);
  text("proxy", config.proxy_url);
  text("exec", relative(config.exec.command));
  if (config.default_namespace != "default") text("namespace", config.default_namespace);
  for (const std::string& arg : config.exec.args) out["args"].Push(arg);
  for (const auto& [name, value] : config.exec.env) out["env"].Push(name + "=" + value);
  if (config.insecure_skip_verify) out.Set("insecure", true);
  if (config.ca_pem == Pem("CA")) out.Set("ca", true);
  if (config.client_cert_pem.starts_with(Pem("CERTIFICATE"))) out.Set("cert", true);
  if (config.client_key_pem.ends_with(Pem("KEY"))) out.Set("key", true);
  return out;
}

class KubeconfigShapes : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/slipway-shape-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    std::filesystem::create_directory(directory_ + "/bin");
    for (const auto& [name, text] : files_) Write(name, text);
  }

  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(directory_ + "/" + name, text, 0600));
  }

  // {{ca}} and its like replaced, as the table's head says.
  std::string Filled(std::string text) const {
    for (size_t at = 0; (at = text.find("{{", at)) != std::string::npos;) {
      const size_t end = text.find("}}", at);
      const std::string hole = text.substr(at + 2, end - at - 2);
      const size_t wrapped = hole.find_first_of("|\\");
      const std::string name = hole.substr(0, wrapped);
      std::string value = std::filesystem::path(directory_).filename();
      if (name != "dir")
        value = Base64Encode(files_.at(name == "ca" ? "ca.crt" : "client." + name));
      if (wrapped != std::string::npos) {
        const std::string wrap = (hole[wrapped] == '|' ? "\n" : "\\\n") +
                                 std::string(std::stoul(hole.substr(wrapped + 1)), ' ');
        for (size_t i = 64; i < value.size(); i += 64 + wrap.size()) value.insert(i, wrap);
      }
      text.replace(at, end + 2 - at, value);
    }
    return text;
  }

  // What must hold of one row.
  void Check(const Json& shape) {
    Write("config", Filled(shape["config"].AsString()));
    const auto config = LoadKubeconfig(directory_ + "/config", "");
    const std::string& kubectl = shape["kubectl"].AsString();
    std::string ours = kubectl == "asks" ? "takes" : kubectl;
    if (shape.Has("ours")) ours = shape["ours"].AsString();
    if (ours == "takes") {
      ASSERT_TRUE(config) << config.error().message;
      EXPECT_EQ(Seen(*config, directory_), shape["reads"]) << Seen(*config, directory_).Dump();
      return;
    }
    ASSERT_FALSE(config) << "kubectl refuses this: " << kubectl;
    const std::string& message = config.error().message;
    EXPECT_EQ(config.error().code, Code::kInvalid);
    EXPECT_TRUE(std::regex_search(message, place_)) << message;
    if (shape.Has("ours")) {
      EXPECT_NE(message.find(ours), std::string::npos) << message;
    }
  }

  std::string directory_;
  const std::regex place_{R"(^[^:]*/config:\d+:\d+: )"};
  const std::map<std::string, std::string> files_{
      {"ca.crt", Pem("CA")},      {"client.cert", Pem("CERTIFICATE")},
      {"client.key", Pem("KEY")}, {"client.crt", Pem("CERTIFICATE")},
      {"token", "from a file\n"}, {"both.pem", Pem("CERTIFICATE") + Pem("KEY")},
  };
};

TEST_F(KubeconfigShapes, AreReadAsTheTableSays) {
  size_t count = 0;
  for (const char* file : {"taken", "odd", "refused"}) {
    const std::string path =
        std::string(SLIPWAY_SOURCE_DIR) + "/host/kube/testdata/kubeconfigs_" + file + ".yaml";
    const auto document = ParseYamlDocument(*ReadFile(path));
    ASSERT_TRUE(document) << path << ":" << document.error().message;
    for (const Json& shape : document->value.items()) {
      SCOPED_TRACE(shape["name"].AsString());
      Check(shape);
      ++count;
    }
  }
  EXPECT_GE(count, 70u);
}

}  // namespace
}  // namespace slipway::kube
