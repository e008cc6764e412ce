#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "sim/object.h"

namespace slipway::sim {

// What `kubectl get` shows of a kind, the name first (events have none).
std::vector<PrinterColumn> TableColumns(const Kind& kind);

// A meta.k8s.io/v1 Table. `include` is None, Metadata or Object, as the client asked.
struct TableRequest {
  std::string include = "Metadata";
  bool headers = true;
};

Json MakeTable(const Kind& kind, const std::vector<ObjectPtr>& objects, Json list_metadata,
               const TableRequest& request, int64_t now_ms);

// "5m", "3d4h": Kubernetes' short form of a duration.
std::string HumanDuration(int64_t ms);

}  // namespace slipway::sim
