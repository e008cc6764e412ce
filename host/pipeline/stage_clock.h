#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace slipway::pipeline {

// Observed time of stages: the time between two looks that were both made in time and both saw the
// cluster. It leaves out the time in which the host did not run, was suspended, had no API server
// or no free worker, and no jump of the wall clock touches it. Limits are judged by it. Any thread.
class StageClock {
 public:
  explicit StageClock(const Clock& clock) : clock_(clock) {}

  // A look at a stage (any text that names it) begins.
  void Begin(const std::string& instance_id, const std::string& stage);
  // The look has come to an outcome. Returns the observed time that is not in the store yet; a
  // blind look adds nothing to it.
  int64_t Settle(const std::string& instance_id, bool blind);
  // What the last Settle returned and nobody has saved since.
  int64_t Unsaved(const std::string& instance_id) const;
  // The store has the observed time now.
  void Saved(const std::string& instance_id);
  // The tick has ended at this stage; the next look is due `delay_ms` from now (negative: at any
  // time).
  void End(const std::string& instance_id, const std::string& stage, int64_t delay_ms);
  void Forget(const std::string& instance_id);

 private:
  struct Look {
    std::string stage;
    bool blind = true;     // also until it has settled
    int64_t began_ms = 0;  // steady
    int64_t due_ms = 0;    // steady; of the next look
    int64_t gap_ms = 0;    // between the last look and this one, as far as it may count
    int64_t unsaved_ms = 0;
  };

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Look> looks_;  // by instance
};

}  // namespace slipway::pipeline
