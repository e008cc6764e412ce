#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/backup_stores.h"

namespace slipway::pipeline {

// A size that operators offer, from tiers.yaml.
struct Tier {
  std::string name;  // "STANDARD"
  int instances = 1;
  std::string storage, memory, cpu;  // Kubernetes quantities
  bool pod_monitor = false;
};

struct PipelineOptions {
  size_t workers = 16;  // ticks that run side by side while none of them is held up
  std::map<std::string, int64_t> stage_timeout_ms;  // by stage name; "" is the default
  int64_t credential_login_timeout_ms = 5000;
  // For a load balancer to get an address that answers, before an instance goes without.
  int64_t address_timeout_ms = 60'000;
  // Between two looks at an instance that no operation works on, give or take a quarter.
  int64_t resync_ms = 120'000;
  // Within this after a start every such instance has been looked at, if the cluster answers.
  int64_t first_resync_ms = 20'000;
  std::vector<Tier> tiers;
  std::vector<BackupStore> backup_stores;
  std::string cluster_domain = "svc";

  int64_t StageTimeoutMs(const std::string& stage) const {
    auto it = stage_timeout_ms.find(stage);
    if (it == stage_timeout_ms.end()) it = stage_timeout_ms.find("");
    return it != stage_timeout_ms.end() ? it->second : 600'000;
  }
};

}  // namespace slipway::pipeline
