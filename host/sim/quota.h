#pragma once

#include <map>
#include <string>

#include "sim/api.h"
#include "sim/quantity.h"

namespace slipway::sim {

// What a ResourceQuota counts: "pods", "requests.cpu", "count/jobs.batch" …
using Usage = std::map<std::string, Quantity>;

Usage UsageOf(const Kind& kind, const Json& object);

bool HasQuotas(const ObjectStore& store, const Kind& kind, const Json& object);
// Takes what `object` uses from the quotas of its namespace, as admission does: 403 when one of
// them has not enough left. Quotas with scopes are not looked at. The caller has the turn.
Answer<Done> ChargeQuotas(Api& api, const Kind& kind, const Json& object, bool dry_run);
// Counts anew what the namespace's quotas say is used, as their controller does.
void RecountQuotas(Api& api, const std::string& ns);

}  // namespace slipway::sim
