#include "devcluster/operators/ownership.h"

#include <algorithm>

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators {

namespace {

constexpr size_t kMaxKnown = 10'000;

std::string GroupOf(const Json& owner) {
  const std::string& api_version = owner["apiVersion"].AsString();
  const size_t slash = api_version.find('/');
  return slash == std::string::npos ? "" : api_version.substr(0, slash);
}

}  // namespace

Result<bool> Ownership::OfAnOperator(const Json& object) {
  for (const Json& owner : object["metadata"]["ownerReferences"].items()) {
    TRY(const bool played, OwnerIs(owner, NamespaceOf(object)));
    if (played) return true;
  }
  return false;
}

Result<bool> Ownership::OwnerIs(const Json& owner, const std::string& ns) {
  const std::string group = GroupOf(owner), uid = owner["uid"].AsString();
  if (std::find(groups_.begin(), groups_.end(), group) != groups_.end()) return true;
  if (group != "apps" && group != "batch") return false;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(uid); found != known_.end()) return found->second;
  }
  auto object = kube_.Get(
      {owner["apiVersion"].AsString(), owner["kind"].AsString(), ns, owner["name"].AsString()});
  if (!object && object.error().code != Code::kNotFound) return std::move(object).error();
  if (!object || UidOf(*object) != uid) return false;  // gone, like everything that it owned
  TRY(const bool played, OfAnOperator(*object));
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_[uid] = played;
  return played;
}

}  // namespace slipway::sim::operators
