// The conditions that say what a namespace under deletion waits for.
#pragma once
#include <map>
#include <string>

#include "base/json.h"

namespace slipway::sim {

// Counts of what is left: objects by resource ("configmaps.", "clusters.db.example.org") and
// holders by finalizer.
struct Remaining {
  std::map<std::string, int> resources, finalizers;
};

// The conditions that the namespace controller writes, in its order and its words. `before` is the
// present object; a condition that stays the same keeps its time. We read these off the API server
// of Kubernetes 1.35 (tests/conformance, delete.namespace).
Json NamespaceConditions(const Json& before, const Remaining& remaining, const std::string& now);

}  // namespace slipway::sim
