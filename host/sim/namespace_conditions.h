// What a namespace that is being deleted says it waits for.
#pragma once
#include <map>
#include <string>

#include "base/json.h"

namespace slipway::sim {

// How many of what is left: objects by resource ("configmaps.", "clusters.db.example.org"), holders
// by finalizer.
struct Remaining {
  std::map<std::string, int> resources, finalizers;
};

// The conditions that the namespace controller writes, in its order and its words. `before`: the
// object that stands; a condition that stays the same keeps its time. Read off the API server of
// Kubernetes 1.35 (tests/conformance, delete.namespace).
Json NamespaceConditions(const Json& before, const Remaining& remaining, const std::string& now);

}  // namespace slipway::sim
