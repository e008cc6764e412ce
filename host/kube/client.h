#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "kube/cluster.h"
#include "kube/informer.h"

namespace slipway::kube {

// Where an API server is and how to authenticate. Filled from a kubeconfig, the in-cluster account,
// or directly by the development cluster.
struct Config {
  std::string server;  // "https://10.0.0.1:6443", "http://127.0.0.1:8001"
  std::string ca_pem;  // "" with http or with the system's roots
  std::string client_cert_pem, client_key_pem;
  std::string bearer_token;  // static
  // Re-read every minute and when the server refuses them: both are renewed in place.
  std::string client_cert_file, client_key_file, token_file;
  std::string tls_server_name;
  bool insecure_skip_verify = false;
  std::string proxy_url;  // kubeconfig's proxy-url; the environment's proxies are not used
  std::string default_namespace = "default";
  std::string origin;  // "kubeconfig /path, context x", for logs

  struct Exec {  // client.authentication.k8s.io exec plugin
    std::string command;
    std::vector<std::string> args;
    std::vector<std::pair<std::string, std::string>> env;
    std::string api_version, install_hint;
    std::string cluster;  // JSON: what it is told of the cluster; "" for nothing
  } exec;

  struct Impersonate {  // requests count as this user's, when the real one may do that
    std::string user, uid;
    std::vector<std::string> groups;
    std::vector<std::pair<std::string, std::vector<std::string>>> extra;
  } as;
};

// kInvalid with file, context and field. An empty path means $KUBECONFIG, then ~/.kube/config.
// An empty context is current-context. Relative paths inside are relative to the file.
Result<Config> LoadKubeconfig(const std::string& path, const std::string& context);
// kNotFound when this process does not run in a pod.
Result<Config> InClusterConfig(
    const std::string& root = "/var/run/secrets/kubernetes.io/serviceaccount");

struct ClientOptions {
  int64_t request_timeout_ms = 10'000;  // one attempt
  int64_t total_timeout_ms = 30'000;    // with retries
  int max_connections = 16;             // for requests; watches have their own
  // Sent as "PROGRAM/VERSION (linux/amd64) COMPONENT", the form that audit logs are searched for.
  std::string user_agent = "slipway", component;
  size_t max_response_bytes = 64u << 20;
  // Full-jitter back-off between the attempts of one call.
  int64_t retry_base_ms = 200, retry_cap_ms = 5'000;
  // Watches: the pause after a failure and its ceiling, a kind that is not served is looked for
  // again, the server is asked to end a watch (jittered), a silent one is given up.
  int64_t watch_backoff_ms = 800, watch_backoff_cap_ms = 10'000;
  int64_t absent_retry_ms = 10'000;
  int64_t watch_timeout_s = 290;
  int64_t watch_idle_ms = 90'000;
  int64_t watch_stale_ms = 10'000;  // without a watch for so long, what is cached may be old
  bool watch_streams = true;  // what there is comes through the watch, where the server can do that
  int page_size = 500;        // of an informer's list where it cannot
};

// The Kubernetes client: one loop thread over curl_multi for all requests and watches.
class Client final : public Cluster {
 public:
  Client(Config config, ClientOptions options, const Clock& clock, Logger& log, Metrics& metrics);
  ~Client() override;  // all informers must be gone

  std::unique_ptr<Informer> Watch(InformerSpec spec, Informer::OnChange on_change);

  Result<Json> Get(const ObjectRef& ref) override;
  Result<ObjectList> List(const std::string& api_version, const std::string& kind,
                          const std::string& ns, const ListOptions& options) override;
  Result<Json> Create(const Json& object) override;
  Result<Json> Apply(const Json& object, const ApplyOptions& options) override;
  Result<Json> Update(const Json& object, const std::string& subresource) override;
  Result<Json> Patch(const ObjectRef& ref, PatchType type, const Json& patch,
                     const std::string& subresource) override;
  Result<void> Delete(const ObjectRef& ref, const DeleteOptions& options) override;
  Result<Resource> Discover(const std::string& api_version, const std::string& kind) override;
  Result<std::string> PodLog(const std::string& ns, const std::string& pod,
                             const std::string& container, int tail_lines) override;
  Result<std::string> ProxyGet(const std::string& kind, const std::string& ns,
                               const std::string& name, const std::string& path) override;
  Result<void> Ping() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::kube
