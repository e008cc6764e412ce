#include "kube/discovery.h"

namespace slipway::kube {

Error KindNotFound(const std::string& api_version, const std::string& kind) {
  return {Code::kNotFound, "KindNotFound",
          "the server serves no kind " + kind + " in " + api_version};
}

void DiscoveryCache::Store(const std::string& api_version, const Json& list, int64_t now_ms) {
  Group group{now_ms, {}};
  for (const Json& item : list["resources"].items()) {
    const std::string& plural = item["name"].AsString();
    if (plural.find('/') != std::string::npos) continue;  // a subresource
    Resource resource{api_version, item["kind"].AsString(), plural, item["namespaced"].AsBool()};
    group.kinds.emplace(resource.kind, resource);  // the first one counts
  }
  const std::lock_guard lock(mutex_);
  groups_[api_version] = std::move(group);
}

void DiscoveryCache::StoreAbsent(const std::string& api_version, int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  groups_[api_version] = Group{now_ms, {}};
}

Result<Resource> DiscoveryCache::Find(const std::string& api_version,
                                      const std::string& kind) const {
  return Look(api_version, kind, 0).resource;
}

DiscoveryCache::Answer DiscoveryCache::Look(const std::string& api_version, const std::string& kind,
                                            int64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  const auto group = groups_.find(api_version);
  if (group == groups_.end()) return {KindNotFound(api_version, kind), true};
  const auto& kinds = group->second.kinds;
  if (const auto it = kinds.find(kind); it != kinds.end()) return {it->second, false};
  return {KindNotFound(api_version, kind), now_ms - group->second.asked_ms >= 1000};
}

void DiscoveryCache::Forget(const std::string& api_version) {
  const std::lock_guard lock(mutex_);
  groups_.erase(api_version);
}

}  // namespace slipway::kube
