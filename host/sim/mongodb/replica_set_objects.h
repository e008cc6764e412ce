#pragma once

#include <string>

#include "sim/mongodb/instance_spec.h"

namespace slipway::sim::operators::mongodb {

// Metadata of what the operator makes: owned by the custom resource. Pure, as all here.
Json Owned(const InstanceSpec& spec, const std::string& name);

Json ServiceOf(const InstanceSpec& spec);

struct SetPlan {
  std::string name;
  int64_t replicas;
  bool on_delete;
};

// The StatefulSet with spec.statefulSet laid over what the operator has of its own.
Json StatefulSetOf(const InstanceSpec& spec, const Release& release, const SetPlan& plan);
// The existing set with the wanted one laid over it, as the operator updates it: nothing is taken
// away, lists are merged by name, and the environment of every container comes out sorted.
Json Updated(const Json& existing, const Json& wanted);
// What a merge patch must change of the existing set to get there; null when nothing.
Json UpdateOf(const Json& existing, const Json& updated);
// The API server's words when an update touches what may not change; "" when it may.
std::string Refusal(const Json& existing, const Json& updated);

}  // namespace slipway::sim::operators::mongodb
