#include "kube/kubeconfig.h"

#include <algorithm>
#include <cstdlib>

#include "base/yaml.h"
#include "kube/kubeconfig_entries.h"

namespace slipway::kube {
namespace {

constexpr const char* kReason = "BadKubeconfig";

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

struct Source {
  std::string path;
  YamlDocument document;
};

class Loader {
 public:
  Loader(std::vector<Source> sources, std::string context)
      : sources_(std::move(sources)), context_(std::move(context)) {}

  Result<Config> Load() {
    Config config = Read();
    if (problems_.empty()) return config;
    return Error{Code::kInvalid, kReason, problems_[0].text, problems_[0].pointer};
  }

 private:
  YamlField Root(const Source& source) {
    return YamlField(source.document, source.path, problems_).About("kubeconfig");
  }

  Config Read() {
    for (const Source& source : sources_) CheckKind(Root(source));
    for (const Source& source : sources_) {
      if (context_.empty()) Root(source)["current-context"].Read(context_);
    }
    if (!problems_.empty()) return {};
    Config config;
    if (context_.empty()) {
      Root(sources_[0])["current-context"].Refuse("is not there, and no context was asked for");
      return config;
    }
    const std::string about = "context \"" + context_ + "\"";
    const auto context = Find("contexts", "context", context_, about, nullptr);
    if (!context) return config;
    std::string cluster_name, user_name;
    context->field["cluster"].Read(cluster_name);
    context->field["user"].Read(user_name);
    std::string& ns = config.default_namespace;
    if (!context->field["namespace"].Read(ns) || ns.empty()) ns = "default";
    if (!problems_.empty()) return config;

    const auto cluster = Find("clusters", "cluster", cluster_name,
                              about + ", cluster \"" + cluster_name + "\"", &context->field);
    if (!cluster) return config;
    config.origin = "kubeconfig " + context->path + ", context " + context_;
    ReadCluster(*cluster, config);
    if (user_name.empty()) return config;
    const auto user =
        Find("users", "user", user_name, about + ", user \"" + user_name + "\"", &context->field);
    if (user) ReadUser(*user, *cluster, config);
    return config;
  }

  static void CheckKind(const YamlField& root) {
    std::string kind, version;
    if (root.Mapping() && root["kind"].Read(kind) && kind != "Config")
      root["kind"].Refuse("must be Config");
    if (root.Mapping() && root["apiVersion"].Read(version) && version != "v1")
      root["apiVersion"].Refuse("must be v1");
  }

  // The `inner` mapping of the entry NAME of a list, from the first file that has one. Notes a
  // problem and gives nothing when there is none, or when that file has two.
  std::optional<KubeconfigEntry> Find(const char* list, const char* inner, const std::string& name,
                                      const std::string& about, const YamlField* from) {
    std::optional<KubeconfigEntry> found;
    for (const Source& source : sources_) {
      for (const YamlField& item : Root(source)[list].Items()) {
        std::string item_name;
        if (!item["name"].Read(item_name) || item_name != name) continue;
        if (found) {
          item["name"].Refuse("is there twice: \"" + name + "\"");
          return std::nullopt;
        }
        found = KubeconfigEntry{item[inner].About(about), source.path, DirectoryOf(source.path)};
      }
      if (found) return found;
    }
    const std::string none = std::string("no ") + inner + " named \"" + name + "\"";
    if (from != nullptr) (*from)[inner].Refuse("refers to nothing: " + none);
    if (from == nullptr) Root(sources_[0])[list].Refuse("has " + none);
    return std::nullopt;
  }

  const std::vector<Source> sources_;
  std::string context_;
  std::vector<YamlProblem> problems_;
};

}  // namespace

std::vector<std::string> KubeconfigFiles(const char* env, const char* home) {
  std::vector<std::string> out;
  std::string_view rest = env == nullptr ? "" : env;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (out.empty()) out.push_back(std::string(home == nullptr ? "" : home) + "/.kube/config");
  return out;
}

Result<Config> LoadKubeconfigFiles(const std::vector<std::string>& files,
                                   const std::string& context) {
  std::vector<Source> sources;
  Error missing{Code::kInvalid, kReason, "no kubeconfig given"};
  for (const std::string& path : files) {
    auto text = ReadFile(path);
    if (!text) {
      missing = {Code::kInvalid, kReason, text.error().message};
      if (text.error().code == Code::kNotFound) continue;
      return missing;
    }
    auto document = ParseYamlDocument(*text);
    if (!document) return Error{Code::kInvalid, kReason, path + ":" + document.error().message};
    sources.push_back({path, *std::move(document)});
  }
  if (sources.empty()) return missing;
  return Loader(std::move(sources), context).Load();
}

Result<Config> LoadKubeconfig(const std::string& path, const std::string& context) {
  if (!path.empty()) return LoadKubeconfigFiles({path}, context);
  return LoadKubeconfigFiles(KubeconfigFiles(std::getenv("KUBECONFIG"), std::getenv("HOME")),
                             context);
}

Result<Config> InClusterConfig(const std::string& root) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr)
    return Error{Code::kNotFound, "NotInCluster", "KUBERNETES_SERVICE_HOST is not set"};
  const std::string address = host;
  Config config;
  config.server = "https://" +
                  (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":" +
                  port;
  config.token_file = root + "/token";
  auto token = ReadFile(config.token_file);
  if (!token) return Error{Code::kNotFound, "NotInCluster", token.error().message};
  TRY(config.ca_pem, ReadFile(root + "/ca.crt"));
  if (auto ns = ReadFile(root + "/namespace"); ns && !ns->empty()) config.default_namespace = *ns;
  config.origin = "service account " + root;
  return config;
}

}  // namespace slipway::kube
