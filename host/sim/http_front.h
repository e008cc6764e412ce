#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "http/server.h"
#include "sim/api.h"
#include "sim/faults.h"
#include "sim/request_log.h"
#include "sim/target.h"
#include "sim/timer_queue.h"
#include "sim/watch_hub.h"

namespace slipway::sim {

// A pod's annotations that answer for it, since there is no kubelet:
//   sim.slipway.dev/log, sim.slipway.dev/log.CONTAINER   the text of its log
//   sim.slipway.dev/log-file                             a file below the data directory
//   sim.slipway.dev/proxy.PORT                           "127.0.0.1:9187": where GETs of that port
//   go sim.slipway.dev/proxy-body.PORT                      or what they are answered with
// A service's proxy goes to the pod of its selector that is first by name.
inline constexpr char kLogAnnotation[] = "sim.slipway.dev/log";
inline constexpr char kLogFileAnnotation[] = "sim.slipway.dev/log-file";
inline constexpr char kProxyAnnotation[] = "sim.slipway.dev/proxy.";
inline constexpr char kProxyBodyAnnotation[] = "sim.slipway.dev/proxy-body.";

// One request on its way through the front.
struct Call {
  std::shared_ptr<http::Exchange> exchange;
  Target target;
  std::string verb;
  RequestRecord record;
  std::optional<WatchFault> watch_fault;

  const http::Request& request() const { return exchange->request(); }
};

using CallPtr = std::shared_ptr<Call>;

// Kubernetes' REST dialect over the Api. Handle() runs on I/O threads: everything is answered from
// memory there, but proxies go to the workers. Watches are handed to the hub.
class HttpFront {
 public:
  struct Parts {
    Api& api;
    WatchHub& hub;
    Faults& faults;
    RequestLog& log;
    TimerQueue& timers;
    Executor& workers;
    std::string data_dir;  // where log files may be read, "" for nowhere
  };

  explicit HttpFront(Parts parts) : parts_(std::move(parts)) {}

  void Handle(std::shared_ptr<http::Exchange> exchange);
  static http::Response Refuse(int status, std::string_view reason);

 private:
  using Reply = Answer<http::Response>;

  void Run(const CallPtr& call);
  // False when a fault has answered.
  bool PassFault(const CallPtr& call, const Fault& fault);
  void Dispatch(const CallPtr& call);
  http::Response Admin(const http::Request& request);
  void Finish(Call& call, Reply reply);
  void Cut(Call& call);
  void Log(Call& call, int status);

  Reply Read(Call& call);
  Reply List(Call& call);
  void Watch(const CallPtr& call);
  Reply Write(Call& call);
  Reply WriteScale(Call& call);
  Reply Remove(Call& call);
  Reply RemoveCollection(Call& call);
  Reply Bind(Call& call);
  Reply Evict(Call& call);
  Reply PodLog(Call& call);
  void Proxy(const CallPtr& call);

  http::Response Object(Call& call, const StoredObject& object, int status,
                        const std::vector<std::string>& warnings) const;

  int64_t NowMs() const { return parts_.api.clock().NowMs(); }

  Parts parts_;
  std::atomic<int64_t> refused_until_ms_ = 0;  // steady
};

}  // namespace slipway::sim
