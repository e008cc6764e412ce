#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "kube/client.h"
#include "kube/credentials.h"
#include "kube/discovery.h"
#include "kube/http_loop.h"
#include "kube/object_decode.h"
#include "kube/object_store.h"
#include "kube/status.h"
#include "kube/warnings.h"
#include "kube/watch.h"

namespace slipway::kube {

// The parts that a client's requests and watches share. They outlive every watcher.
struct WatchContext {
  HttpLoop& loop;
  Credentials& credentials;
  Warnings& warnings;
  DiscoveryCache& discovery;
  Executor* plugin_runner;  // null without an exec plugin
  const ClientOptions& options;
  Logger& log;
  Metrics& metrics;
};

// Carries out the steps of a WatchMachine over HTTP and keeps an ObjectStore current.
//
// Threads: the loop's thread, except for the accessors and Stop. A watcher lives until the last
// callback that holds it is gone.
class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(WatchContext context, InformerSpec spec, Informer::OnChange on_change);

  void Start();  // any thread
  // No callback runs afterwards. Any thread, the loop's too.
  void Stop();

  const ObjectStore& store() const { return store_; }

  bool synced() const { return synced_; }

  bool served() const { return served_; }

  std::optional<Error> trouble() const;  // see Informer

 private:
  void Run(WatchStep step);
  void Act(WatchStep step);
  void Begin(WatchStep step);
  void RenewCredentials(WatchStep step);
  void Discover(WatchStep step);
  void FetchDiscovery(std::function<void(const Result<void>&)> then);
  Result<void> TakeDiscovery(const HttpAnswer& answer);
  void FetchPage();
  void OnPage(const HttpAnswer& answer);
  void ListFailed(const Error& error);
  void AskWhetherReady();
  Error NotBelieved() const;
  void Commit();
  void OpenWatch(WatchStep step);
  void OnBytes(int status, std::string_view bytes);
  void OnLine(std::string_view line);
  void OnInitialEvent(WatchEvent& event);
  void OnStreamEnd(const HttpAnswer& answer);
  void EndWatch(WatchEnd end, const Error& why);
  void Note(const HttpAnswer& answer);
  void Deliver();
  void Report(const Error& error);
  void NoteTrouble(const Error* why);
  void StopNow();
  HttpRequest MakeRequest(std::string path, int64_t timeout_ms) const;

  const WatchContext context_;
  const InformerSpec spec_;
  const ObjectDecoder decoder_;
  const std::string what_;  // "watch of Cluster", for messages
  Informer::OnChange on_change_;
  const SystemClock steady_;  // the age of a connection is real time
  WatchMachine machine_;
  Resource resource_;
  bool resource_known_ = false, stopped_ = false;
  HttpLoop::Id pending_ = 0;  // the one transfer or timer under way
  Credentials::AuthPtr auth_;
  std::vector<Informer::ObjectPtr> pages_;  // the objects of a list or stream so far
  std::string partial_;                     // of a line
  std::string error_body_;                  // of a refused watch
  std::string reported_;                    // the last failure in the log
  std::vector<ObjectStore::Delta> deltas_;
  Metrics::Counter events_, lists_, failures_;

  ObjectStore store_;
  std::atomic<bool> synced_{false}, served_{true};
  std::atomic<bool> troubled_{false};
  mutable std::mutex trouble_mutex_;
  Error trouble_;
  int64_t troubled_since_ms_ = 0;
};

}  // namespace slipway::kube
