// Judges whether the observed replica set is healthy. Pure: the only clock is the call's.
#pragma once
#include <cstdint>
#include <vector>

#include "kit.h"
#include "spec.h"

namespace mongodb {

// One instance's observed objects by their part; the pointers live as long as the input.
struct Observed {
  const Json* resource = nullptr;  // the MongoDBCommunity
  const Json* members = nullptr;   // the StatefulSet of the data-bearing members
  std::vector<const Json*> stateful_sets, pods, volumes;
  // The rights of the pods; null if they do not exist.
  const Json* account = nullptr;
  const Json* role = nullptr;
  const Json* binding = nullptr;

  Observed(const Json& objects, const Instance& instance);
};

// Ready when the replica set is healthy; otherwise names the one thing that stands in the way.
// `waited_ms`: see WaitedMs.
Judgement JudgeReplicaSet(const Instance& instance, const Observed& observed, int64_t waited_ms);

}  // namespace mongodb
