// Taking an instance down, from whatever state it is in.
#pragma once
#include "judge.h"
#include "kit.h"

namespace mongodb {

// Appends what to delete now to `deletions`. Order: monitor, MongoDBCommunity; after its pods are
// gone the volume claims, which nobody owns; then what the pods used until the end.
Judgement Deletion(const Observed& observed, const Json& inventory, Json& deletions);

}  // namespace mongodb
