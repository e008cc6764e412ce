#include "kube/kubeconfig.h"

#include <cstdlib>

#include "base/crypto.h"
#include "base/yaml.h"

namespace slipway::kube {
namespace {

struct Source {
  std::string path, directory;
  YamlDocument document;
};

// An entry of clusters, users or contexts, and where it stands.
struct Entry {
  const Source* source = nullptr;
  const Json* body = nullptr;
  std::string pointer;  // of the body in its file

  const std::string& Text(std::string_view field) const { return (*body)[field].AsString(); }

  bool Has(std::string_view field) const { return !Text(field).empty(); }

  std::string Where(const std::string& field = {}) const {
    return source->document.Where(source->path, field.empty() ? pointer : pointer + "/" + field);
  }
};

Error Bad(const std::string& where, const std::string& context, const std::string& what,
          const std::string& field) {
  return Error{Code::kInvalid, "BadKubeconfig", where + ": context \"" + context + "\": " + what,
               field};
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string Resolve(const Source& source, const std::string& path) {
  return path.empty() || path[0] == '/' ? path : source.directory + "/" + path;
}

class Loader {
 public:
  Loader(std::vector<Source> sources, std::string context)
      : sources_(std::move(sources)), context_(std::move(context)) {}

  Result<Config> Load() {
    if (context_.empty()) {
      for (const Source& source : sources_) {
        context_ = source.document.value["current-context"].AsString();
        if (!context_.empty()) break;
      }
    }
    if (context_.empty())
      return Error{Code::kInvalid, "BadKubeconfig",
                   sources_[0].path + ": no context given and no current-context",
                   "/current-context"};
    TRY(const Entry context, Find("contexts", "context", context_, nullptr));
    TRY(const Entry cluster, Find("clusters", "cluster", context.Text("cluster"), &context));
    Config config;
    config.origin = "kubeconfig " + context.source->path + ", context " + context_;
    if (const std::string& ns = context.Text("namespace"); !ns.empty())
      config.default_namespace = ns;
    TRY_VOID(ReadCluster(cluster, config));
    if (context.Text("user").empty()) return config;
    TRY(const Entry user, Find("users", "user", context.Text("user"), &context));
    TRY_VOID(ReadUser(user, cluster, config));
    return config;
  }

 private:
  Result<Entry> Find(const std::string& list, const std::string& inner, const std::string& name,
                     const Entry* from) const {
    for (const Source& source : sources_) {
      const Json::Array& items = source.document.value[list].items();
      for (size_t i = 0; i < items.size(); ++i) {
        if (items[i]["name"].AsString() != name) continue;
        const std::string pointer = "/" + list + "/" + std::to_string(i) + "/" + inner;
        return Entry{&source, &items[i][inner], pointer};
      }
    }
    const std::string where = from == nullptr ? sources_[0].path : from->Where(inner);
    return Bad(where, context_, "no " + inner + " named \"" + name + "\"", "/" + list);
  }

  Error Wrong(const Entry& entry, const std::string& field, const std::string& what) const {
    return Bad(entry.Where(field), context_, field + ": " + what, entry.pointer + "/" + field);
  }

  // FIELD-data (base64) or FIELD (a file) into `out`.
  Result<void> ReadPem(const Entry& entry, const std::string& field, std::string& out) const {
    if (const std::string& data = entry.Text(field + "-data"); !data.empty()) {
      auto decoded = Base64Decode(data);
      if (!decoded) return Wrong(entry, field + "-data", "is not base64");
      out = *std::move(decoded);
      return {};
    }
    const std::string& path = entry.Text(field);
    if (path.empty()) return {};
    auto text = ReadFile(Resolve(*entry.source, path));
    if (!text) return Wrong(entry, field, text.error().message);
    out = *std::move(text);
    return {};
  }

  Result<void> ReadCluster(const Entry& cluster, Config& config) const {
    config.server = cluster.Text("server");
    if (!config.server.starts_with("http://") && !config.server.starts_with("https://")) {
      return Wrong(cluster, "server", "must be an http:// or https:// URL");
    }
    TRY_VOID(ReadPem(cluster, "certificate-authority", config.ca_pem));
    config.tls_server_name = cluster.Text("tls-server-name");
    config.proxy_url = cluster.Text("proxy-url");
    config.insecure_skip_verify = (*cluster.body)["insecure-skip-tls-verify"].AsBool();
    if (config.insecure_skip_verify && !config.ca_pem.empty()) {
      return Wrong(cluster, "insecure-skip-tls-verify",
                   "cannot be true together with a certificate authority");
    }
    return {};
  }

  Result<void> ReadUser(const Entry& user, const Entry& cluster, Config& config) const {
    TRY_VOID(ReadPem(user, "client-certificate", config.client_cert_pem));
    TRY_VOID(ReadPem(user, "client-key", config.client_key_pem));
    if (!user.Has("client-certificate-data") && !user.Has("client-key-data")) {
      config.client_cert_file = Resolve(*user.source, user.Text("client-certificate"));
      config.client_key_file = Resolve(*user.source, user.Text("client-key"));
    }
    if (config.client_cert_pem.empty() != config.client_key_pem.empty()) {
      const bool no_key = config.client_key_pem.empty();
      return Wrong(user, no_key ? "client-key" : "client-certificate",
                   "is missing, the other half is there");
    }
    const Json& token = (*user.body)["token"];
    if (!token.is_null() && !token.is_string())
      return Wrong(user, "token", "must be a string (quote it)");
    config.bearer_token = token.AsString();
    config.token_file = Resolve(*user.source, user.Text("tokenFile"));
    for (const char* old : {"auth-provider", "username", "password"}) {
      if (user.body->Has(old))
        return Wrong(user, old, "is not supported; use a token, a certificate or an exec plugin");
    }
    TRY_VOID(ReadImpersonation(user, config));
    return user.body->Has("exec") ? ReadExec(user, cluster, config) : Result<void>();
  }

  Result<void> ReadImpersonation(const Entry& user, Config& config) const {
    config.as.user = user.Text("as");
    config.as.uid = user.Text("as-uid");
    for (const Json& group : (*user.body)["as-groups"].items())
      config.as.groups.push_back(group.AsString());
    for (const auto& [key, values] : (*user.body)["as-user-extra"].members()) {
      auto& extra = config.as.extra.emplace_back(key, std::vector<std::string>());
      for (const Json& value : values.items()) extra.second.push_back(value.AsString());
    }
    const bool more =
        !config.as.uid.empty() || !config.as.groups.empty() || !config.as.extra.empty();
    if (more && config.as.user.empty())
      return Wrong(user, "as", "is missing, its details are there");
    return {};
  }

  // What a plugin that asks for it is told of the cluster.
  static Json ClusterInfo(const Config& config, const Entry& cluster) {
    Json info = Json::Obj({{"server", config.server}});
    if (!config.tls_server_name.empty()) info.Set("tls-server-name", config.tls_server_name);
    if (config.insecure_skip_verify) info.Set("insecure-skip-tls-verify", true);
    if (!config.ca_pem.empty()) info.Set("certificate-authority-data", Base64Encode(config.ca_pem));
    if (!config.proxy_url.empty()) info.Set("proxy-url", config.proxy_url);
    for (const Json& extension : (*cluster.body)["extensions"].items()) {
      if (extension["name"].AsString() == "client.authentication.k8s.io/exec")
        info.Set("config", extension["extension"]);
    }
    return info;
  }

  Result<void> ReadExec(const Entry& user, const Entry& cluster, Config& config) const {
    const Json& exec = (*user.body)["exec"];
    Config::Exec& out = config.exec;
    out.api_version = exec["apiVersion"].AsString();
    if (out.api_version != "client.authentication.k8s.io/v1" &&
        out.api_version != "client.authentication.k8s.io/v1beta1") {
      return Wrong(user, "exec/apiVersion", "must be client.authentication.k8s.io/v1 or v1beta1");
    }
    out.command = exec["command"].AsString();
    if (out.command.empty()) return Wrong(user, "exec/command", "is missing");
    // As kubectl does: a path with a slash belongs to the file, a bare name to $PATH.
    if (out.command.find('/') != std::string::npos)
      out.command = Resolve(*user.source, out.command);
    if (exec["interactiveMode"].AsString() == "Always")
      return Wrong(user, "exec/interactiveMode", "Always needs a terminal");
    out.install_hint = exec["installHint"].AsString();
    for (const Json& arg : exec["args"].items()) {
      if (!arg.is_string()) return Wrong(user, "exec/args", "must be strings (quote them)");
      out.args.push_back(arg.AsString());
    }
    for (const Json& variable : exec["env"].items()) {
      if (!variable["name"].is_string() || !variable["value"].is_string())
        return Wrong(user, "exec/env", "must be pairs of name and value");
      out.env.emplace_back(variable["name"].AsString(), variable["value"].AsString());
    }
    if (exec["provideClusterInfo"].AsBool()) out.cluster = ClusterInfo(config, cluster).Dump();
    return {};
  }

  std::vector<Source> sources_;
  std::string context_;
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
  Error missing{Code::kInvalid, "BadKubeconfig", "no kubeconfig given"};
  for (const std::string& path : files) {
    auto text = ReadFile(path);
    if (!text) {
      missing = {Code::kInvalid, "BadKubeconfig", text.error().message};
      if (text.error().code == Code::kNotFound) continue;
      return missing;
    }
    auto document = ParseYamlDocument(*text);
    if (!document)
      return Error{Code::kInvalid, "BadKubeconfig", path + ":" + document.error().message};
    sources.push_back({path, DirectoryOf(path), *std::move(document)});
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
