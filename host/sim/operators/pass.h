#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/cluster.h"

namespace slipway::sim::operators {

// What all passes of an operator share. The operator owns it; it adds its databases.
struct PassEnvironment {
  kube::Cluster& kube;
  const Clock& clock;
  Logger& log;
  double pace;
};

// What is remembered of a custom resource between passes; everything in it can be lost.
struct PassMemory {
  std::string uid;
  std::map<std::string, int64_t> since;        // start of a wait
  std::map<std::string, std::string> ingress;  // service → what was written
};

// One reconcile pass: reads at its start, then writes, each answer taken into the object it is
// about. An operator's own pass derives from it. Confined to the worker that runs it.
class Pass {
 public:
  Pass(PassEnvironment& environment, PassMemory& remembered)
      : environment_(environment), memory_(remembered) {}

  // Merge patches; nothing is sent when nothing would change.
  Result<void> PatchObject(Json& object, const Json& patch, const std::string& subresource = "");
  Result<void> PatchStatusOf(Json& object, Json patch);
  // Replace the status, or the spec.
  Result<void> PutStatusOf(Json& object, Json status);
  Result<void> PutSpecOf(Json& object, Json spec);
  Result<Json> CreateObject(const Json& object);  // an existing one is returned as it is
  Result<void> DeleteObject(const Json& object);
  Result<void> Bind(Json& pod, const std::string& node);  // as a scheduler does

  // Writes an Event; that it could not be written is logged and nothing else.
  void Note(const Json& event);

  // Whether `wait_ms` of real pace have gone by since the first time this was asked; otherwise the
  // pass is repeated then.
  bool Due(const std::string& what, int64_t wait_ms);
  void RequeueIn(int64_t ms);
  // True the first time something is asked: what a pass leaves to the next one.
  bool First(const std::string& what);

  // Writes the loopback port behind a service into its status, for those who are not in a pod; 0
  // takes it away. The service becomes one of type LoadBalancer, the only ones that may say so.
  Result<void> PublishPort(const std::string& ns, const std::string& service, int port);

  int64_t now() const { return environment_.clock.NowMs(); }

  kube::Cluster& kube() const { return environment_.kube; }

  // What the next pass has to do: at once when this one changed something, else after requeue_ms.
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
