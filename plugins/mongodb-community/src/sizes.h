// What the pods of an instance ask for, beyond what the tier says of mongod.
#pragma once
#include <cstdint>

#include "kit.h"

namespace mongodb {

struct Resources {
  int64_t cpu_millis = 0;
  int64_t memory_bytes = 0;
};

Resources AgentRequests(const Sizing& sizing);
Resources AgentLimits(const Sizing& sizing);
// Each of the two init containers.
Resources InitRequests();
Resources InitLimits();
int64_t LogsBytes(const Sizing& sizing);

// As a container has it.
Json ContainerResources(const Resources& requests, const Resources& limits);
// ResourceQuota `hard` keys. A StatefulSet never has more pods than members, so none is added.
Json Quota(const Instance& instance);

}  // namespace mongodb
