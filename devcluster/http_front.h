#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "devcluster/api.h"
#include "devcluster/faults.h"
#include "devcluster/request_log.h"
#include "devcluster/target.h"
#include "devcluster/timer_queue.h"
#include "devcluster/watch_hub.h"
#include "http/server.h"

namespace slipway::sim {

// These annotations of a pod answer for it, since there is no kubelet:
//   sim.slipway.dev/log, sim.slipway.dev/log.CONTAINER   the text of its log
//   sim.slipway.dev/log-file                             a file below the data directory
//   sim.slipway.dev/proxy.PORT        where GETs of that port go, for example "127.0.0.1:9187"
//   sim.slipway.dev/proxy-body.PORT   the text that answers GETs of that port
// The proxy of a service goes to the first pod, by name, that its selector finds.
inline constexpr char kLogAnnotation[] = "sim.slipway.dev/log";
inline constexpr char kLogFileAnnotation[] = "sim.slipway.dev/log-file";
inline constexpr char kProxyAnnotation[] = "sim.slipway.dev/proxy.";
inline constexpr char kProxyBodyAnnotation[] = "sim.slipway.dev/proxy-body.";

// A request on its way through the front.
struct Call {
  std::shared_ptr<http::Exchange> exchange;
  Target target;
  std::string verb;
  RequestRecord record;
  std::optional<WatchFault> watch_fault;

  const http::Request& request() const { return exchange->request(); }
};

using CallPtr = std::shared_ptr<Call>;

// Kubernetes' REST dialect over the Api. Handle() runs on I/O threads. It answers everything from
// memory there; only proxied requests go to the workers. It hands watches to the hub.
class HttpFront {
 public:
  struct Parts {
    Api& api;
    WatchHub& hub;
    Faults& faults;
    RequestLog& log;
    TimerQueue& timers;
    Executor& workers;
    std::string data_dir;  // log files are read below it only; "" reads none
    bool behaviours;       // they run here, so we tell a client when no behaviour plays an object
  };

  explicit HttpFront(Parts parts) : parts_(std::move(parts)) {}

  void Handle(std::shared_ptr<http::Exchange> exchange);
  static http::Response Refuse(int status, std::string_view reason);

 private:
  using Reply = Answer<http::Response>;

  void Run(const CallPtr& call);
  // False means that a fault has answered the request.
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

  // The answer to a write that created an object.
  http::Response Fresh(Call& call, Written written, const WriteOptions& options);
  http::Response Object(Call& call, const StoredObject& object, int status,
                        const std::vector<std::string>& warnings) const;

  int64_t NowMs() const { return parts_.api.clock().NowMs(); }

  Parts parts_;
  std::atomic<int64_t> refused_until_ms_ = 0;  // steady
};

}  // namespace slipway::sim
