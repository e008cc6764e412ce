#pragma once

#include <string>

#include "base/metrics.h"
#include "pipeline/health.h"
#include "pipeline/tick.h"

namespace slipway::pipeline {

// One look at an instance: a tick of the operation that works on it, else a look at its health.
class Runner {
 public:
  Runner(const TickDeps& deps, Metrics& metrics);

  // Delay in ms until the instance wants another look by itself; negative: only when woken.
  int64_t Look(const std::string& instance_id);
  // An operation that cannot go on at present says why: `full_lane` holds it up, or ("") a call
  // that does not return.
  void TellHeld(const std::string& instance_id, const std::string& full_lane);

  Health& health() { return health_; }

 private:
  const TickDeps deps_;
  Health health_;
  Metrics::Counter ticks_, succeeded_, failed_, cancelled_;
};

}  // namespace slipway::pipeline
