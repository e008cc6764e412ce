#include "sim/operators/others.h"

#include "sim/operators/objects_json.h"

namespace slipway::sim::operators {

namespace {

// How long a real controller may take to be seen where nothing else tells that there is one.
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
