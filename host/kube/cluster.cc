#include "kube/cluster.h"

namespace slipway::kube {

ObjectRef ObjectRef::Of(const Json& object) {
  const Json& metadata = object["metadata"];
  return {object["apiVersion"].AsString(), object["kind"].AsString(),
          metadata["namespace"].AsString(), metadata["name"].AsString()};
}

std::string ObjectRef::ToString() const {
  return ns.empty() ? kind + " " + name : kind + " " + ns + "/" + name;
}

}  // namespace slipway::kube
