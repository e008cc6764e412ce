#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "sim/operators/pass.h"
#include "sim/operators/work_queue.h"

namespace slipway::sim::operators {

// The part of an operator that every one has: keys KIND/NAMESPACE/NAME come in, passes run on a few
// workers, failed ones again after a pause that grows. Two kinds are its own: "ending" (a pod that
// is being deleted) and the sweep. Any thread.
//
// Declare it last in its owner, so that no pass runs any more when the other members go.
class Controller {
 public:
  struct Handlers {
    // When to look again in milliseconds, negative for the next Wake.
    std::function<Result<int64_t>(const std::string& kind, const std::string& ns,
                                  const std::string& name)>
        reconcile;
    // A pod is about to go: what runs for it stops. May be empty.
    std::function<void(const Json& pod)> pod_ends;
    // Deletes the data of what disappeared while nobody looked; false to try later. May be empty.
    std::function<bool()> sweep;
  };

  Controller(PassEnvironment& environment, std::string operator_name, Handlers handlers);
  ~Controller();  // Stop()
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void Wake(const std::string& key);
  // After the first lists.
  void Sweep();
  // Runs no pass any more. Idempotent.
  void Stop();
  // False when the cluster has kubelets of its own.
  bool PlaysMachinery();

 private:
  void Work(const std::string& key);
  Result<int64_t> EndPod(const std::string& ns, const std::string& name);

  PassEnvironment& environment_;
  const std::string operator_;
  const Handlers handlers_;
  std::mutex mutex_;
  std::map<std::string, int> failures_;
  std::once_flag machinery_once_;
  bool machinery_ = true;
  WorkQueue queue_;
};

}  // namespace slipway::sim::operators
