#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "kube/cluster.h"

namespace slipway::sim::operators {

// Decides, in one place, which behaviour plays an object. An operator's behaviour plays the objects
// of its API group and everything that they own, directly or through others. The workloads'
// behaviour plays the rest. Any thread may call it.
class Ownership {
 public:
  // `groups`: the API groups of those operators that have a behaviour.
  Ownership(kube::Cluster& kube, std::vector<std::string> groups)
      : kube_(kube), groups_(std::move(groups)) {}

  // True when an operator's behaviour plays the object.
  Result<bool> OfAnOperator(const Json& object);

 private:
  Result<bool> OwnerIs(const Json& owner, const std::string& ns);

  kube::Cluster& kube_;
  const std::vector<std::string> groups_;
  std::mutex mutex_;
  std::map<std::string, bool> known_;  // by uid of the owner
};

}  // namespace slipway::sim::operators
