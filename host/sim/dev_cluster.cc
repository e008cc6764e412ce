#include "sim/dev_cluster.h"

#include <utility>
#include <vector>

#include "base/executor.h"
#include "http/server.h"
#include "sim/api.h"
#include "sim/bootstrap.h"
#include "sim/controllers.h"
#include "sim/faults.h"
#include "sim/http_front.h"
#include "sim/journal.h"
#include "sim/kinds.h"
#include "sim/object_store.h"
#include "sim/request_log.h"
#include "sim/timer_queue.h"
#include "sim/watch_hub.h"

namespace slipway::sim {

namespace {

constexpr size_t kWindow = 8192;  // events a collection keeps for watches that resume
constexpr int64_t kBookmarkMs = 10'000;

http::Options ServerOptions(uint16_t port) {
  http::Options out;
  out.port = port;
  out.limits.body_bytes = 16u << 20;       // definitions are large
  out.limits.stream_backlog = 128u << 20;  // a watch that starts with everything there is
  out.limits.response_backlog = 512u << 20;
  out.limits.total_bytes = 1024u << 20;
  return out;
}

}  // namespace

// In the order they need each other: the server stops first, the store goes last.
struct DevCluster::Impl {
  Impl(DevClusterOptions given, const Clock& clock_in, Logger& log_in, Metrics& metrics_in)
      : options(std::move(given)), clock(clock_in), log(log_in), metrics(metrics_in) {}

  const DevClusterOptions options;
  const Clock& clock;
  Logger& log;
  Metrics& metrics;

  std::unique_ptr<Journal> journal;
  std::unique_ptr<ObjectStore> store;
  KindRegistry kinds;
  std::unique_ptr<Api> api;
  RequestLog requests;
  Faults faults;
  std::unique_ptr<TimerQueue> timers;
  std::unique_ptr<Executor> workers;
  std::unique_ptr<Controllers> controllers;
  std::unique_ptr<WatchHub> hub;
  std::unique_ptr<HttpFront> front;
  std::unique_ptr<http::Server> server;
  std::vector<std::unique_ptr<Behaviour>> behaviours;
  uint16_t port = 0;
};

DevCluster::DevCluster(DevClusterOptions options, const Clock& clock, Logger& log, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), clock, log, metrics)) {}

DevCluster::~DevCluster() {
  Stop();
}

Result<void> DevCluster::Start() {
  Impl& me = *impl_;
  if (!me.options.request_log.empty()) TRY_VOID(me.requests.Open(me.options.request_log));
  if (!me.options.state_file.empty()) me.journal = std::make_unique<Journal>(me.options.state_file);
  me.store = std::make_unique<ObjectStore>(me.journal.get(), kWindow);
  me.api = std::make_unique<Api>(*me.store, me.kinds, me.clock, me.options.controllers);
  me.timers = std::make_unique<TimerQueue>(me.clock);
  me.workers = std::make_unique<Executor>("sim-proxy", 4, 256);
  if (me.journal != nullptr) TRY_VOID(me.journal->Open(*me.store));
  me.controllers = std::make_unique<Controllers>(*me.api, *me.timers, me.log);
  if (me.options.controllers) me.controllers->Observe();
  me.api->RegisterStored();
  TRY_VOID(Bootstrap(*me.api, me.options.crds_dir));
  if (me.options.controllers) {
    me.controllers->Start();
    me.controllers->Settle(std::chrono::seconds(10));
  }
  me.hub = std::make_unique<WatchHub>(*me.store, me.clock, kBookmarkMs);
  me.front = std::make_unique<HttpFront>(HttpFront::Parts{*me.api, *me.hub, me.faults, me.requests,
                                                          *me.timers, *me.workers,
                                                          me.options.behaviour.data_dir});
  me.server = std::make_unique<http::Server>(
      ServerOptions(me.options.port),
      [front = me.front.get()](std::shared_ptr<http::Exchange> exchange) {
        front->Handle(std::move(exchange));
      },
      [](int status, std::string_view reason, std::string_view) {
        return HttpFront::Refuse(status, reason);
      },
      me.log);
  TRY_VOID(me.server->Start());
  me.port = me.server->port();
  if (me.options.behaviours)
    me.behaviours = StartBehaviours(config(), me.options.behaviour, me.clock, me.log, me.metrics);
  return {};
}

void DevCluster::Stop() {
  Impl& me = *impl_;
  me.behaviours.clear();
  if (me.hub != nullptr) me.hub->Stop();
  if (me.server != nullptr) me.server->Stop(1000);
  if (me.workers != nullptr) me.workers->Drain();
  if (me.timers != nullptr) me.timers->Stop();
  if (me.controllers != nullptr) me.controllers->Stop();
  me.server.reset();
}

uint16_t DevCluster::port() const {
  return impl_->port;
}

kube::Config DevCluster::config() const {
  kube::Config out;
  out.server = "http://127.0.0.1:" + std::to_string(impl_->port);
  out.origin = "development cluster";
  return out;
}

std::string DevCluster::Kubeconfig() const {
  return "apiVersion: v1\n"
         "kind: Config\n"
         "clusters:\n"
         "- name: slipway-sim\n"
         "  cluster:\n"
         "    server: " +
         config().server +
         "\n"
         "users:\n"
         "- name: slipway-sim\n"
         "  user: {}\n"
         "contexts:\n"
         "- name: slipway-sim\n"
         "  context:\n"
         "    cluster: slipway-sim\n"
         "    user: slipway-sim\n"
         "    namespace: default\n"
         "current-context: slipway-sim\n";
}

}  // namespace slipway::sim
