#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "devcluster/object.h"

namespace slipway::sim {

// The columns that `kubectl get` shows for a kind. The name comes first (events have none).
std::vector<PrinterColumn> TableColumns(const Kind& kind);

// A meta.k8s.io/v1 Table. `include` is None, Metadata or Object, whichever the client asked for.
struct TableRequest {
  std::string include = "Metadata";
  bool headers = true;
};

Json MakeTable(const Kind& kind, const std::vector<ObjectPtr>& objects, Json list_metadata,
               const TableRequest& request, int64_t now_ms);

// Kubernetes' short form of a duration: "5m", "3d4h".
std::string HumanDuration(int64_t ms);

}  // namespace slipway::sim
