#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/cluster.h"

namespace slipway::sim::operators {

// What all passes of an operator share. The operator owns it and adds its databases.
struct PassEnvironment {
  kube::Cluster& kube;
  const Clock& clock;
  Logger& log;
  double pace;
};

// Everything that is remembered of a custom resource between passes. All of it can be lost.
struct PassMemory {
  std::string uid;
  std::map<std::string, int64_t> since;        // the start of each wait
  std::map<std::string, std::string> ingress;  // service → what we wrote there
};

// One reconcile pass. It reads at its start and then writes; each answer replaces the object in
// memory. An operator's own pass derives from it. Only the worker that runs it may use it.
class Pass {
 public:
  Pass(PassEnvironment& environment, PassMemory& remembered)
      : environment_(environment), memory_(remembered) {}

  // Send merge patches; they send nothing when nothing would change.
  Result<void> PatchObject(Json& object, const Json& patch, const std::string& subresource = "");
  Result<void> PatchStatusOf(Json& object, Json patch);
  // Replace the status or the spec.
  Result<void> PutStatusOf(Json& object, Json status);
  Result<void> PutSpecOf(Json& object, Json spec);
  Result<Json> CreateObject(const Json& object);  // returns an existing object as it is
  Result<void> DeleteObject(const Json& object);
  Result<void> Bind(Json& pod, const std::string& node);  // as the scheduler does

  // Writes an Event. A failure is only logged.
  void Note(const Json& event);

  // True when `wait_ms` of the real pace have passed since the first call with this `what`.
  // Otherwise the pass runs again at that time.
  bool Due(const std::string& what, int64_t wait_ms);

  // The next call of Due() counts as the first one again.
  void Reset(const std::string& what) { memory_.since.erase(what); }

  void RequeueIn(int64_t ms);
  // True at the first call with this `what`: use it to leave something to the next pass.
  bool First(const std::string& what);

  // Writes the loopback port behind a service into its status, for clients outside the pods. 0
  // means that no server answers now: the service keeps the address that it has, as one of a load
  // balancer does. The service gets type LoadBalancer, the only type that may say so. No operator
  // waits for a load balancer: a write that is refused is tried again in a later pass, and holds
  // nothing else up.
  void PublishPort(const std::string& ns, const std::string& service, int port);

  int64_t now() const { return environment_.clock.NowMs(); }

  kube::Cluster& kube() const { return environment_.kube; }

  // The wait before the next pass: none when this pass changed something, otherwise requeue_ms.
  int64_t NextMs() const { return changed ? 0 : requeue_ms; }

  bool changed = false;
  int64_t requeue_ms = -1;

 protected:
  ~Pass() = default;

 private:
  Result<void> Take(Json& object, Result<Json> answer);
  Result<void> Put(Json& object, const char* key, Json value, const char* subresource);

  PassEnvironment& environment_;
  PassMemory& memory_;
};

}  // namespace slipway::sim::operators
