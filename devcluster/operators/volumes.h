#pragma once

#include <set>
#include <string>
#include <vector>

#include "kube/cluster.h"

namespace slipway::sim::operators {

// The uids of the claims that a pod mounts: they identify the data of servers.
std::vector<std::string> VolumesOf(kube::Cluster& kube, const Json& pod);
// The uids of all claims with that label.
Result<std::set<std::string>> VolumesWith(kube::Cluster& kube, const std::string& label);

// Deletes what a runtime of servers still has of claims that disappeared while nobody looked.
// Returns false to try later.
template <class Runtime>
bool SweepVolumes(Runtime& runtime, kube::Cluster& kube, const std::string& label) {
  const auto known = VolumesWith(kube, label);
  if (!known) return false;
  for (const std::string& volume : runtime.Volumes())
    if (known->count(volume) == 0 && runtime.Get(volume).instance.empty()) runtime.Remove(volume);
  return true;
}

}  // namespace slipway::sim::operators
