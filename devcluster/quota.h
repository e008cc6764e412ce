#pragma once

#include <map>
#include <string>

#include "devcluster/api.h"
#include "devcluster/quantity.h"

namespace slipway::sim {

// The amounts that a ResourceQuota counts: "pods", "requests.cpu", "count/jobs.batch" …
using Usage = std::map<std::string, Quantity>;

Usage UsageOf(const Kind& kind, const Json& object);

bool HasQuotas(const ObjectStore& store, const Kind& kind, const Json& object);
// Charges the quotas of the namespace for `object`, as admission does: 403 when one of them has not
// enough left. Skips quotas with scopes. The caller holds quota_turn().
Answer<Done> ChargeQuotas(Api& api, const Kind& kind, const Json& object, bool dry_run);
// Counts again what the namespace's quotas say is used, as their controller does.
void RecountQuotas(Api& api, const std::string& ns);

}  // namespace slipway::sim
