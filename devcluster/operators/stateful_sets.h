#pragma once

#include <string>
#include <vector>

#include "devcluster/operators/pass.h"

namespace slipway::sim::operators {

// Plays the StatefulSet controller in a cluster that has none: pods in the order of their ordinals,
// their claims, revisions and the counters in the status. It does nothing where it can see that a
// real controller is at work.
//
// `pods` are the pods in the namespace that may belong to the set; others are left alone. New pods
// are added to it.
Result<void> PlayStatefulSet(Pass& pass, Json& set, std::vector<Json>& pods);

// Real controllers never use this character in their hashes. Ours end with it.
inline constexpr char kOurMark = '0';
// The hash of the pod template of a StatefulSet or Deployment.
std::string TemplateHash(const Json& owner);
// The name that this controller gives to the revision of the set's present template.
std::string RevisionOf(const Json& set);
// -1 when the pod's name is not one of the set's.
int64_t OrdinalOf(const Json& set, const Json& pod);
// True when the pod has a controller reference to the set.
bool OwnedBy(const Json& set, const Json& pod);
// True when all replicas run the newest template and are ready, and the controller has seen the
// last change.
bool StatefulSetReady(const Json& set, int64_t replicas);

}  // namespace slipway::sim::operators
