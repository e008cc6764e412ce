// Taking an instance down, from whatever state it is in.
#pragma once
#include "judge.h"

namespace vitess {

// Appends what to delete now to `deletions`. Order: schedules, VitessCluster, and after its pods
// and volumes are gone what they used until the end, the Secrets last.
Judgement Deletion(const Scene& scene, const Json& inventory, Json& deletions);

}  // namespace vitess
