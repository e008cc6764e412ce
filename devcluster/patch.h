#pragma once

#include "base/json.h"
#include "devcluster/kinds.h"
#include "devcluster/status.h"
#include "devcluster/type_view.h"

namespace slipway::sim {

// Applies RFC 6902. 422 when an operation does not fit, 400 when the patch is malformed.
Answer<Json> ApplyJsonPatch(Json object, const Json& patch);
// Applies Kubernetes' strategic merge patch with the merge keys of the built-in kinds. It
// understands $patch, $deleteFromPrimitiveList, $retainKeys and $setElementOrder.
Json ApplyStrategicPatch(Json object, const Json& patch, const TypeView& type);

}  // namespace slipway::sim
