#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "kube/cluster.h"
#include "kube/config.h"
#include "kube/informer.h"

namespace slipway::kube {

struct ClientOptions {
  int64_t request_timeout_ms = 10'000;  // one attempt
  int64_t total_timeout_ms = 30'000;    // with retries
  int max_connections = 16;             // for requests; watches have their own
  // Sent as "PROGRAM/VERSION (linux/amd64) COMPONENT", the form that people know from audit logs.
  std::string user_agent = "slipway", component;
  size_t max_response_bytes = 64u << 20;
  // The back-off between the attempts of one call.
  int64_t retry_base_ms = 200, retry_cap_ms = 5'000;
  // Watches: the first and the longest pause after a failure; when to look again for a kind that
  // nobody serves; when the server shall end a watch (with jitter); when to give up a silent one.
  int64_t watch_backoff_ms = 800, watch_backoff_cap_ms = 10'000;
  int64_t absent_retry_ms = 10'000;
  int64_t watch_timeout_s = 290;
  int64_t watch_idle_ms = 90'000;
  int64_t watch_stale_ms = 10'000;  // after so long without a watch the cache may be old
  bool watch_streams = true;        // a watch brings all objects first, if the server can
  int page_size = 500;              // of an informer's list, if it cannot
};

// The Kubernetes client. Requests block their callers' threads; one loop thread drives all watches.
class Client final : public Cluster {
 public:
  Client(Config config, ClientOptions options, const Clock& clock, Logger& log, Metrics& metrics);
  ~Client() override;  // destroy all informers first

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
