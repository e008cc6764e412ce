#pragma once

#include <string>
#include <utility>
#include <vector>

namespace slipway::kube {

// The place of an API server, and how to authenticate there. A kubeconfig, the account of a pod or
// the development cluster fills it.
struct Config {
  std::string server;  // "https://10.0.0.1:6443", "http://127.0.0.1:8001"
  std::string ca_pem;  // "" with http or with the system's roots
  std::string client_cert_pem, client_key_pem;
  std::string bearer_token;  // static
  // Files that others renew in place. The client reads them every minute, and when the server
  // refuses their content.
  std::string client_cert_file, client_key_file, token_file;
  std::string tls_server_name;
  bool insecure_skip_verify = false;
  std::string proxy_url;  // kubeconfig's proxy-url; the client ignores the environment's proxies
  std::string default_namespace = "default";
  std::string origin;  // "kubeconfig /path, context x", for logs

  struct Exec {  // client.authentication.k8s.io exec plugin
    std::string command;
    std::vector<std::string> args;
    std::vector<std::pair<std::string, std::string>> env;
    std::string api_version, install_hint;
    std::string cluster;  // JSON that describes the cluster to the plugin; "" for none
  } exec;

  struct Impersonate {  // requests count as this user's, if the real user may do that
    std::string user, uid;
    std::vector<std::string> groups;
    std::vector<std::pair<std::string, std::vector<std::string>>> extra;
  } as;
};

}  // namespace slipway::kube
