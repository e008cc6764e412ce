#pragma once

#include <string>

#include "devcluster/mongodb/instance_spec.h"

namespace slipway::sim::operators::mongodb {

// Metadata of the operator's objects, which the custom resource owns. Pure, like all functions
// here.
Json Owned(const InstanceSpec& spec, const std::string& name);

// What is behind the Service of the members. The Service of the real operator is always headless.
// Only a Service of type LoadBalancer may say how clients outside the pods reach it.
enum class Behind { kNothing, kServer };

Json ServiceOf(const InstanceSpec& spec, Behind behind);

struct SetPlan {
  std::string name;
  int64_t replicas;
  bool on_delete;
};

// The operator's own StatefulSet with spec.statefulSet laid over it.
Json StatefulSetOf(const InstanceSpec& spec, const Release& release, const SetPlan& plan);
// The existing set with the wanted one laid over it, as the operator updates it: nothing is
// removed, lists are merged by name, and the environment of every container comes out sorted.
Json Updated(const Json& existing, const Json& wanted);
// The merge patch that turns the existing set into the updated one; null for no change.
Json UpdateOf(const Json& existing, const Json& updated);
// The API server's words when an update changes a field that may not change; "" when it is allowed.
std::string Refusal(const Json& existing, const Json& updated);

}  // namespace slipway::sim::operators::mongodb
