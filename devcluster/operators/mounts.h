#pragma once

#include <string>

#include "kube/cluster.h"

namespace slipway::sim::operators {

// A kubelet waits for this before it starts a pod's containers: a Secret or ConfigMap of a volume
// does not exist, or lacks a key. `volume` is "" when nothing is missing.
struct MissingMount {
  std::string volume, message;
};

Result<MissingMount> FindMissingMount(kube::Cluster& kube, const Json& pod);

}  // namespace slipway::sim::operators
