// Taking an instance down, from whatever state it is in.
#pragma once
#include "judge.h"
#include "spec.h"

namespace cnpg {

// Appends what to delete now to `deletions`. Order: schedule, Cluster, and after its pods and
// volumes are gone what they used until the end.
Judgement Deletion(const Instance& instance, const Observed& observed, const Json& inventory,
                   Json& deletions);

}  // namespace cnpg
