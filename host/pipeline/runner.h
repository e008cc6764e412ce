#pragma once

#include <map>
#include <mutex>
#include <string>

#include "pipeline/tick.h"

namespace slipway::pipeline {

// The tick: load, look at the current stage, record what follows, as often as it goes forward.
// Level-based: a tick may run at any time and be repeated without harm. One tick per instance at a
// time (the scheduler's promise).
class Runner {
 public:
  explicit Runner(const TickDeps& deps);

  // Delay in ms until the instance wants another look by itself; negative: only when woken.
  int64_t Tick(const std::string& instance_id);

 private:
  int64_t Work(store::OperationRecord operation);
  int64_t Observe(const std::string& instance_id);
  StageOutcome Look(TickContext& context);
  StageOutcome RunStage(TickContext& context);
  // False: the operation is not ours any more, or the store did not take it (error already logged).
  Result<void> Record(TickContext& context, const std::vector<Input>& inputs);
  void TakeInstanceState(TickContext& context) const;

  const TickDeps deps_;
  Metrics::Counter ticks_, succeeded_, failed_, cancelled_;
};

}  // namespace slipway::pipeline
