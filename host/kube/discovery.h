#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "kube/cluster.h"

namespace slipway::kube {

// Remembers the server's kinds by group version. One mutex guards it. It sends no requests.
class DiscoveryCache {
 public:
  // Takes an APIResourceList, which replaces all earlier knowledge of the group.
  void Store(const std::string& api_version, const Json& list, int64_t now_ms);
  void StoreAbsent(const std::string& api_version, int64_t now_ms);  // the server has no such group
  // kNotFound "KindNotFound" for an unknown kind.
  Result<Resource> Find(const std::string& api_version, const std::string& kind) const;

  // Like Find; it also says whether to ask the server. There is no need to when the kind is known,
  // or when the group had no such kind less than a second ago.
  struct Answer {
    Result<Resource> resource;
    bool ask = false;
  };

  Answer Look(const std::string& api_version, const std::string& kind, int64_t now_ms) const;
  void Forget(const std::string& api_version);  // after a 404 of a path that was built from it

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
