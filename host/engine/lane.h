#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/call.h"

namespace slipway::engine {

// The one thread that runs an engine's code, so that a caller can give up on it.
//
// Calls queue (bounded) and run one after another, which an engine of pure functions that take
// microseconds does not notice. The box is what the call may compute, by the clock of its thread:
// on a machine that is busy, or was stopped, a call takes long without a fault of its own. One that
// waits for something, which it should not, has ten times the box by the wall's clock. A call that
// outlives its box is told so (cancelled()); after a grace of a quarter of the box the lane is
// lost: its thread is written off, and every waiting and later call is answered at once. At most
// one thread is ever lost per lane. Any thread may call.
class Lane {
 public:
  // Runs on the lane's thread; returns the ABI's code. Must own what it touches: it may outlive
  // the lane.
  using Function = std::function<int32_t(const slipway_call*)>;

  Lane(const std::string& name, int64_t timeout_ms);
  // Waits for the thread, unless it was lost.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // The ABI's code. Errors: kUnavailable EngineQuarantined (the lane is lost) or EngineBusy
  // (retryable: too much queued), kInternal EngineThrew.
  Result<int32_t> Run(Function function, std::shared_ptr<CallState> state);
  bool lost() const;

 private:
  struct Shared;
  static void Loop(const std::shared_ptr<Shared>& shared);
  std::shared_ptr<Shared> shared_;
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace slipway::engine
