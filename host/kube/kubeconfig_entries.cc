#include "kube/kubeconfig_entries.h"

#include <algorithm>
#include <cctype>

#include "base/crypto.h"

namespace slipway::kube {
namespace {

std::string Text(const YamlField& field) {
  std::string out;
  field.Read(out);
  return out;
}

std::string Resolve(const KubeconfigEntry& entry, const std::string& path) {
  return path.empty() || path[0] == '/' ? path : entry.directory + "/" + path;
}

// Decodes base64 in one or several lines, as in a block of YAML.
Result<std::string> DecodeLines(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  return Base64Decode(text);
}

std::string RequirePem(const YamlField& field, std::string text) {
  if (text.find("-----BEGIN ") == std::string::npos) field.Refuse("holds no PEM");
  return text;
}

// NAME-data (base64), else NAME (a file).
std::string ReadPem(const KubeconfigEntry& entry, const std::string& name) {
  const YamlField data = entry.field[name + "-data"], file = entry.field[name];
  if (const std::string text = Text(data); !text.empty()) {
    auto decoded = DecodeLines(text);
    if (decoded) return RequirePem(data, *std::move(decoded));
    data.Refuse("is not base64");
    return {};
  }
  const std::string path = Text(file);
  if (path.empty()) return {};
  auto text = ReadFile(Resolve(entry, path));
  if (text) return RequirePem(file, *std::move(text));
  file.Refuse("cannot be read: " + text.error().message);
  return {};
}

// The URL without a slash at its end. A bare host:port gets a scheme, as kubectl gives it.
std::string ReadServer(const YamlField& field, bool tls) {
  std::string url = Text(field);
  while (url.ends_with('/')) url.pop_back();
  const size_t colon = url.find("://");
  if (colon == std::string::npos) {
    const bool address = !url.empty() && url.find('/') == std::string::npos;
    if (!address) field.Refuse("must be an http:// or https:// URL");
    return (tls ? "https://" : "http://") + url;
  }
  std::transform(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(colon), url.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string scheme = url.substr(0, colon), rest = url.substr(colon + 3);
  if (scheme != "http" && scheme != "https") field.Refuse("must be an http:// or https:// URL");
  if (rest.empty() || rest[0] == ':' || rest[0] == '/') field.Refuse("names no host");
  return url;
}

std::string ReadProxy(const YamlField& field) {
  std::string url = Text(field);
  const bool known = url.empty() || url.starts_with("http://") || url.starts_with("https://") ||
                     url.starts_with("socks5://");
  if (!known) field.Refuse("must begin with http://, https:// or socks5://");
  return url;
}

void ReadTokens(const KubeconfigEntry& user, Config& config) {
  const YamlField token = user.field["token"], file = user.field["tokenFile"];
  config.bearer_token = Text(token);
  const bool header = std::none_of(config.bearer_token.begin(), config.bearer_token.end(),
                                   [](char c) { return c >= 0 && c < ' '; });
  if (!header) token.Refuse("has a line end or another control character in it");
  config.token_file = Resolve(user, Text(file));
  if (config.token_file.empty() || !config.bearer_token.empty()) return;
  const auto read = ReadFile(config.token_file);
  if (!read) {
    file.Refuse("cannot be read: " + read.error().message);
  } else if (read->find_first_not_of(" \r\n") == std::string::npos) {
    file.Refuse("holds no token: " + config.token_file);
  }
}

void ReadImpersonation(const YamlField& user, Config::Impersonate& as) {
  as.user = Text(user["as"]);
  as.uid = Text(user["as-uid"]);
  user["as-groups"].Read(as.groups);
  for (const YamlField::Member& member : user["as-user-extra"].Members()) {
    auto& extra = as.extra.emplace_back(member.key, std::vector<std::string>());
    member.field.Read(extra.second);
  }
  const bool more = !as.uid.empty() || !as.groups.empty() || !as.extra.empty();
  if (more && as.user.empty()) user["as"].Refuse("is missing; its details are there");
}

// Describes the cluster to a plugin.
Json ClusterInfo(const Config& config, const YamlField& cluster) {
  Json info = Json::Obj({{"server", config.server}});
  if (!config.tls_server_name.empty()) info.Set("tls-server-name", config.tls_server_name);
  if (config.insecure_skip_verify) info.Set("insecure-skip-tls-verify", true);
  if (!config.ca_pem.empty()) info.Set("certificate-authority-data", Base64Encode(config.ca_pem));
  if (!config.proxy_url.empty()) info.Set("proxy-url", config.proxy_url);
  for (const Json& extension : cluster.value()["extensions"].items()) {
    if (extension["name"].AsString() == "client.authentication.k8s.io/exec")
      info.Set("config", extension["extension"]);
  }
  return info;
}

void ReadExec(const KubeconfigEntry& user, const KubeconfigEntry& cluster, Config& config) {
  const YamlField exec = user.field["exec"];
  Config::Exec& out = config.exec;
  exec["apiVersion"].Read(out.api_version);
  if (out.api_version != "client.authentication.k8s.io/v1" &&
      out.api_version != "client.authentication.k8s.io/v1beta1") {
    exec["apiVersion"].Refuse("must be client.authentication.k8s.io/v1 or v1beta1");
  }
  exec["command"].Read(out.command);
  if (out.command.empty()) exec["command"].Refuse("is missing");
  // As for kubectl, a path with a slash is relative to the file; a bare name is in $PATH.
  if (out.command.find('/') != std::string::npos) out.command = Resolve(user, out.command);
  if (Text(exec["interactiveMode"]) == "Always")
    exec["interactiveMode"].Refuse("must not be Always: a host has no terminal");
  exec["installHint"].Read(out.install_hint);
  exec["args"].Read(out.args);
  for (const YamlField& variable : exec["env"].Items()) {
    const std::string name = Text(variable["name"]);
    if (name.empty()) variable["name"].Refuse("is missing");
    out.env.emplace_back(name, Text(variable["value"]));
  }
  bool tell = false;
  if (exec["provideClusterInfo"].Read(tell) && tell)
    out.cluster = ClusterInfo(config, cluster.field).Dump();
}

}  // namespace

void ReadCluster(const KubeconfigEntry& cluster, Config& config) {
  const YamlField& field = cluster.field;
  config.ca_pem = ReadPem(cluster, "certificate-authority");
  config.tls_server_name = Text(field["tls-server-name"]);
  config.proxy_url = ReadProxy(field["proxy-url"]);
  field["insecure-skip-tls-verify"].Read(config.insecure_skip_verify);
  if (config.insecure_skip_verify && !config.ca_pem.empty()) {
    field["insecure-skip-tls-verify"].Refuse(
        "cannot be true together with a certificate authority");
  }
  config.server =
      ReadServer(field["server"], !config.ca_pem.empty() || config.insecure_skip_verify);
}

void ReadUser(const KubeconfigEntry& user, const KubeconfigEntry& cluster, Config& config) {
  const YamlField& field = user.field;
  config.client_cert_pem = ReadPem(user, "client-certificate");
  config.client_key_pem = ReadPem(user, "client-key");
  if (Text(field["client-certificate-data"]).empty() && Text(field["client-key-data"]).empty()) {
    config.client_cert_file = Resolve(user, Text(field["client-certificate"]));
    config.client_key_file = Resolve(user, Text(field["client-key"]));
  }
  if (config.client_cert_pem.empty() != config.client_key_pem.empty()) {
    field[config.client_key_pem.empty() ? "client-key" : "client-certificate"].Refuse(
        "is missing; the other half is there");
  }
  ReadTokens(user, config);
  for (const char* old : {"username", "password"}) {
    if (!Text(field[old]).empty())
      field[old].Refuse("is not supported; use a token, a certificate or an exec plugin");
  }
  if (field["auth-provider"].given())
    field["auth-provider"].Refuse("is not supported; use an exec plugin");
  ReadImpersonation(field, config.as);
  // Like kubectl, the client asks no plugin when there is a token.
  const bool token = !config.bearer_token.empty() || !config.token_file.empty();
  if (field["exec"].given() && !token) ReadExec(user, cluster, config);
}

}  // namespace slipway::kube
