#include "devcluster/operators/others.h"

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators {

namespace {

// When nothing else shows that there is a real controller, we give it this long to act first.
constexpr int64_t kOthersFirstMs = 3000;

}  // namespace

Result<bool> SomebodyElsePlays(Pass& pass, const Json& object, const char* account) {
  if (object.At("/status/observedGeneration").is_number()) return true;
  auto found = pass.kube().Get({"v1", "ServiceAccount", "kube-system", account});
  if (found) return true;
  if (found.error().code != Code::kNotFound) return std::move(found).error();
  return !pass.Due("others-" + UidOf(object), kOthersFirstMs);
}

}  // namespace slipway::sim::operators
