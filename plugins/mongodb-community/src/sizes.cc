#include "sizes.h"

#include <algorithm>

namespace mongodb {

namespace {

int64_t WholeMi(int64_t bytes) {
  return bytes / kMi * kMi;
}

}  // namespace

Resources AgentRequests(const Sizing& sizing) {
  return {100, WholeMi(std::clamp(sizing.memory_bytes / 32, 128 * kMi, 512 * kMi))};
}

Resources AgentLimits(const Sizing& sizing) {
  return {500, WholeMi(std::clamp(sizing.memory_bytes / 16, 400 * kMi, kGi))};
}

Resources InitRequests() {
  return {50, 64 * kMi};
}

Resources InitLimits() {
  return {250, 128 * kMi};
}

int64_t LogsBytes(const Sizing& sizing) {
  if (sizing.storage_bytes < 20 * kGi) return kGi;
  return sizing.storage_bytes < 200 * kGi ? 2 * kGi : 5 * kGi;
}

Json ContainerResources(const Resources& requests, const Resources& limits) {
  return Json::Obj({{"requests", Amounts(requests.cpu_millis, requests.memory_bytes)},
                    {"limits", Amounts(limits.cpu_millis, limits.memory_bytes)}});
}

Json Quota(const Instance& instance) {
  const Sizing& sizing = instance.sizing;
  const Resources agent = AgentRequests(sizing);
  // A pod counts as its containers together or as its greatest init container, whichever is more.
  const int64_t cpu = std::max(sizing.cpu_millis + agent.cpu_millis, InitRequests().cpu_millis);
  const int64_t memory =
      std::max(sizing.memory_bytes + agent.memory_bytes, InitRequests().memory_bytes);
  const int64_t pods = instance.instances;
  return QuotaAmounts{.cpu_millis = cpu * pods,
                      .memory_bytes = memory * pods,
                      .storage_bytes = (sizing.storage_bytes + LogsBytes(sizing)) * pods,
                      .pods = pods,
                      .claims = 2 * pods}
      .ToJson();
}

}  // namespace mongodb
