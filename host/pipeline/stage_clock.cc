#include "pipeline/stage_clock.h"

#include <algorithm>

namespace slipway::pipeline {
namespace {

// A look may be late by this, for a worker has to be found, and still counts whole.
constexpr int64_t kLateMs = 5000;
// A stage that waits for events only is looked at again within this (kResyncMs and a bit).
constexpr int64_t kLongestPauseMs = 35'000;

}  // namespace

void StageClock::Begin(const std::string& instance_id, const std::string& stage) {
  const std::lock_guard lock(mutex_);
  const int64_t now = clock_.SteadyMs();
  Look& look = looks_[instance_id];
  if (look.stage != stage) look = Look{stage};
  look.gap_ms =
      look.blind ? 0 : std::max<int64_t>(0, std::min(now, look.due_ms + kLateMs) - look.began_ms);
  look.blind = true;
  look.began_ms = now;
}

int64_t StageClock::Unsaved(const std::string& instance_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = looks_.find(instance_id);
  return found != looks_.end() ? found->second.unsaved_ms : 0;
}

int64_t StageClock::Settle(const std::string& instance_id, bool blind) {
  const std::lock_guard lock(mutex_);
  Look& look = looks_[instance_id];
  look.blind = blind;
  if (!blind) look.unsaved_ms += look.gap_ms;
  look.gap_ms = 0;
  return look.unsaved_ms;
}

void StageClock::Saved(const std::string& instance_id) {
  const std::lock_guard lock(mutex_);
  looks_[instance_id].unsaved_ms = 0;
}

void StageClock::End(const std::string& instance_id, const std::string& stage, int64_t delay_ms) {
  const std::lock_guard lock(mutex_);
  const int64_t now = clock_.SteadyMs();
  Look& look = looks_[instance_id];
  if (look.stage != stage) {  // the tick went on to another stage, which it saw just now
    look = Look{stage};
    look.blind = false;
    look.began_ms = now;
  }
  look.due_ms = now + (delay_ms >= 0 ? std::min(delay_ms, kLongestPauseMs) : kLongestPauseMs);
}

void StageClock::Forget(const std::string& instance_id) {
  const std::lock_guard lock(mutex_);
  looks_.erase(instance_id);
}

}  // namespace slipway::pipeline
