#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "kube/cluster.h"

namespace slipway::kube {

// What the server said of its kinds, by group version. Guarded by one mutex; asks nobody itself.
class DiscoveryCache {
 public:
  // Takes in an APIResourceList; replaces what was known of the group.
  void Store(const std::string& api_version, const Json& list, int64_t now_ms);
  void StoreAbsent(const std::string& api_version, int64_t now_ms);  // the group is not served
  // kNotFound "KindNotFound" when it is not known.
  Result<Resource> Find(const std::string& api_version, const std::string& kind) const;

  // As Find, and whether the server should be asked: not when the kind is known, nor when the group
  // was asked for less than a second ago and had no such kind.
  struct Answer {
    Result<Resource> resource;
    bool ask = false;
  };

  Answer Look(const std::string& api_version, const std::string& kind, int64_t now_ms) const;
  void Forget(const std::string& api_version);  // a path built from it answered 404

 private:
  struct Group {
    int64_t asked_ms = 0;
    std::map<std::string, Resource, std::less<>> kinds;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Group, std::less<>> groups_;
};

Error KindNotFound(const std::string& api_version, const std::string& kind);

}  // namespace slipway::kube
