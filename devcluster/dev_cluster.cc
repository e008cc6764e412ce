#include "devcluster/dev_cluster.h"

#include <utility>
#include <vector>

#include "base/executor.h"
#include "devcluster/api.h"
#include "devcluster/bootstrap.h"
#include "devcluster/controllers.h"
#include "devcluster/faults.h"
#include "devcluster/file_lock.h"
#include "devcluster/http_front.h"
#include "devcluster/journal.h"
#include "devcluster/kinds.h"
#include "devcluster/object_store.h"
#include "devcluster/request_log.h"
#include "devcluster/timer_queue.h"
#include "devcluster/watch_hub.h"
#include "http/server.h"

namespace slipway::sim {

namespace {

constexpr size_t kWindow = 8192;  // events that a collection keeps for watches that resume
constexpr int64_t kBookmarkMs = 10'000;
constexpr int64_t kLockMs = 15'000;

http::Options ServerOptions(uint16_t port) {
  http::Options out;
  out.port = port;
  out.limits.body_bytes = 16u << 20;       // definitions are large
  out.limits.stream_backlog = 128u << 20;  // a watch that starts with all existing objects
  out.limits.response_backlog = 512u << 20;
  out.limits.total_bytes = 1024u << 20;
  return out;
}

}  // namespace

// The members are in the order in which they need each other: the server stops first and the store
// goes last.
struct DevCluster::Impl {
  Impl(DevClusterOptions given, const Clock& clock_in, Logger& log_in, Metrics& metrics_in)
      : options(std::move(given)), clock(clock_in), log(log_in), metrics(metrics_in) {}

  const DevClusterOptions options;
  const Clock& clock;
  Logger& log;
  Metrics& metrics;

  FileLock lock;  // of the state file
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
  if (!me.options.state_file.empty()) {
    TRY_VOID(me.lock.Take(me.options.state_file + ".lock", kLockMs));
    me.journal = std::make_unique<Journal>(me.options.state_file);
  }
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
  me.front = std::make_unique<HttpFront>(
      HttpFront::Parts{*me.api, *me.hub, me.faults, me.requests, *me.timers, *me.workers,
                       me.options.behaviour.data_dir, me.options.behaviours});
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
