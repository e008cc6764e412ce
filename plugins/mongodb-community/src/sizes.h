// The sizes of an instance's pods beyond mongod's own, which the tier gives.
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

// The `resources` of a container.
Json ContainerResources(const Resources& requests, const Resources& limits);
// ResourceQuota `hard` keys. A StatefulSet never has more pods than members, so none is added.
Json Quota(const Instance& instance);

}  // namespace mongodb
