#include "devcluster/operators/volumes.h"

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators {

std::vector<std::string> VolumesOf(kube::Cluster& kube, const Json& pod) {
  std::vector<std::string> out;
  for (const Json& volume : pod.At("/spec/volumes").items()) {
    const std::string& claim = volume.At("/persistentVolumeClaim/claimName").AsString();
    if (claim.empty()) continue;
    auto found = kube.Get({"v1", "PersistentVolumeClaim", NamespaceOf(pod), claim});
    if (found) out.push_back(UidOf(*found));
  }
  return out;
}

Result<std::set<std::string>> VolumesWith(kube::Cluster& kube, const std::string& label) {
  TRY(const kube::ObjectList claims,
      kube.List("v1", "PersistentVolumeClaim", "", {.label_selector = label}));
  std::set<std::string> out;
  for (const Json& claim : claims.items) out.insert(UidOf(claim));
  return out;
}

}  // namespace slipway::sim::operators
