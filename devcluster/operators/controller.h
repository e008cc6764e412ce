#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "devcluster/operators/pass.h"
#include "devcluster/operators/work_queue.h"

namespace slipway::sim::operators {

// The part that every operator has. It takes keys of the form KIND/NAMESPACE/NAME and runs their
// passes on a few workers. It runs a failed pass again after a pause that grows. It handles two
// kinds itself: "ending" (a pod that is being deleted) and the sweep. Any thread may call it.
//
// Declare it last in its owner, so that no pass runs any more when the other members go.
class Controller {
 public:
  struct Handlers {
    // Returns the milliseconds until the next look, or a negative number to wait for the next Wake.
    std::function<Result<int64_t>(const std::string& kind, const std::string& ns,
                                  const std::string& name)>
        reconcile;
    // A pod is about to go, so what runs for it has to stop. May be empty.
    std::function<void(const Json& pod)> pod_ends;
    // Deletes the data of claims that disappeared while nobody looked; returns false to try later.
    // May be empty.
    std::function<bool()> sweep;
  };

  Controller(PassEnvironment& environment, std::string operator_name, Handlers handlers);
  ~Controller();  // Stop()
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void Wake(const std::string& key);
  // Call it after the first lists.
  void Sweep();
  // Runs no further pass. Idempotent.
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
