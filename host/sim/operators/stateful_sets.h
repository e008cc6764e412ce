#pragma once

#include <string>
#include <vector>

#include "sim/operators/pass.h"

namespace slipway::sim::operators {

// The StatefulSet controller, played where nobody else is one: pods in order of their ordinals,
// their claims, revisions and the counters in the status. Where a real controller is at work, and
// that shows, nothing is done.
//
// `pods` are those of the namespace that may be the set's (others are left alone); what is made is
// added to it.
Result<void> PlayStatefulSet(Pass& pass, Json& set, std::vector<Json>& pods);

// Hashes of real controllers are made of letters and digits without this one, which ends ours.
inline constexpr char kOurMark = '0';
// Of the pod template of a StatefulSet or Deployment.
std::string TemplateHash(const Json& owner);
// A name of a revision of the set's present template, as this controller gives it.
std::string RevisionOf(const Json& set);
// -1 when the pod's name is not one of the set's.
int64_t OrdinalOf(const Json& set, const Json& pod);
// The set's controller owner reference is on the pod.
bool OwnedBy(const Json& set, const Json& pod);
// All replicas run the newest template and are ready, and the controller has seen the last change.
bool StatefulSetReady(const Json& set, int64_t replicas);

}  // namespace slipway::sim::operators
